import type { Session } from 'latchkey'
import type { Data } from './server.ts'

/** Everything that a page could learn. */
export async function look(session: Session<Data>) {
  await session.load()
  const { id, userId, locked, pending, aal, amr, proofs, createdAt, authenticatedAt, idleExpiresAt, persistent } =
    session
  return {
    ...{ id, userId, pending, aal, createdAt, authenticatedAt, idleExpiresAt, persistent },
    ...{ amr: [...amr], proofs: [...proofs], data: structuredClone(session.data), locked: locked?.userId ?? null },
  }
}

const nothing = {
  ...{ id: null, userId: null, pending: null, aal: 0, createdAt: null, authenticatedAt: null, idleExpiresAt: null },
  ...{ persistent: false, amr: [], proofs: [], data: {} },
}
/** The same of a session that is locked for this user, or of none at all. */
export const lockedFor = (userId: string | null) => ({ ...nothing, locked: userId })
