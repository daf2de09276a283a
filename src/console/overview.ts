import type { Administrator } from './admission.ts'
import type { Overview } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import type { ProvingFields } from './options.ts'

/** `GET api/overview`: what the page shows first, and what it has to know. */
export async function overview(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<Overview> {
  const { sessions, watch } = desk
  const [census, alerts] = await Promise.all([desk.census.take(), watch.countAlerts()])
  return {
    me: { userId: who.userId },
    now: desk.clock(),
    census,
    alerts,
    watch: watch.stats(),
    revocable: sessions.revocable,
    listable: sessions.listable,
    proof: provingFields(desk),
    csrfToken: request.csrfToken(),
    sessionEndsAt: who.session.absoluteExpiresAt ?? 0,
    freshUntil: who.freshUntil,
  }
}

/** What is asked for before everybody's sessions end; nothing where that is not offered. */
export function provingFields({ prove, sessions }: Desk): ProvingFields {
  if (!prove || !sessions.revocable) return { password: false, code: false, passkey: false }
  const { password, code, passkey } = prove.fields
  return { password, code, passkey }
}
