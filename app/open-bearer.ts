import type { Sessions } from 'latchkey'
import { type Bearer, createBearer } from 'latchkey/bearer'
import { placesIn } from './data-directory.ts'
import { developmentTokenKey } from './development-token-key.ts'
import type { CampusOptions } from './options.ts'

/**
 * Sessions for programs; `null` where no session can be ended (sealed cookies), and in production without keys. A key that was made by itself would be another one on every
 * machine, and a program's token good at one of them only.
 */
export function openBearer(
  sessions: Sessions<object>,
  { tokenKeys, issuer, environment, dataDirectory }: CampusOptions,
): Bearer | null {
  if (!sessions.revocable) return null
  if (tokenKeys === null && environment === 'production') return null
  const keys = tokenKeys ?? developmentTokenKey(placesIn(dataDirectory).tokenKey)
  return createBearer(sessions, { issuer, audience: `${issuer}/api`, keys, clientId: 'campus' })
}
