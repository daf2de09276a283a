import { formatDuration } from './duration.ts'
import { deviations, type Policy, presets } from './policy.ts'
import type { SessionStore } from './store.ts'

/**
 * The policy as a page of Markdown, for the security documentation that ASVS 7.1.1 (time limits, deviations and their
 * reason) and 7.1.2 (parallel sessions) ask for. Made from the values in force, so it cannot be out of date. `carried`: what
 * of a session its cookie carries.
 */
export function policyPage(policy: Policy, carried: SessionStore['carried'] | null = null): string {
  const sealed = carried === 'all'
  const weaker = deviations(policy)
  const source = policy.preset
    ? `Preset \`${policy.preset}\`, from ${presets[policy.preset].source}.`
    : 'No preset: the values of the application.'
  const rows: [string, string, string][] = [
    [
      'Idle time-out',
      formatDuration(policy.idleTimeoutMs),
      policy.atIdle === 'lock'
        ? 'A session nobody used for this long is locked: one factor unlocks it, until the absolute time-out.'
        : 'A session nobody used for this long ends; the user signs in again.',
    ],
    [
      'Absolute time-out',
      formatDuration(policy.absoluteTimeoutMs),
      'A session this old ends, however busy it is; the user signs in again.',
    ],
    [
      'Token rotation',
      policy.rotateEveryMs === null ? 'off' : `every ${formatDuration(policy.rotateEveryMs)}`,
      sealed
        ? 'The cookie is made anew while the session is used; older ones work until they time out.'
        : 'The secret in the token changes while the session is used.',
    ],
    sealed
      ? [
          'Sign-out',
          'in this browser only',
          'The whole session is in the cookie and nobody keeps a list: a copied cookie works until its idle time-out, and when it is used until the absolute one, also after sign-out.',
        ]
      : [
          'Rotation grace',
          formatDuration(policy.graceMs),
          'The old token works this long after the new one was seen. Use a minute later, or more, ends the session as a replay.',
        ],
    [
      'Remember me',
      policy.persistent
        ? `idle ${formatDuration(policy.persistent.idleTimeoutMs)}, absolute ${formatDuration(policy.persistent.absoluteTimeoutMs)}`
        : 'not allowed',
      `Limits of sessions whose cookie survives the end of the browser.${policy.persistent ? ` Their level is 1; a higher one lasts ${formatDuration(policy.idleTimeoutMs)} after the factors that reached it.` : ''}`,
    ],
    [
      'Sessions per user',
      policy.maxSessions === null ? 'no limit' : `at most ${policy.maxSessions}`,
      policy.maxSessions === null
        ? sealed
          ? 'No session is listed, and none can be ended from elsewhere.'
          : 'Every session is listed and can be ended one by one or all at once.'
        : policy.atMaxSessions === 'refuse'
          ? 'A further sign-in is refused.'
          : 'A further sign-in ends the oldest session.',
    ],
  ]
  return [
    '# Session policy',
    '',
    source,
    '',
    '| limit | value | what happens |',
    '|---|---|---|',
    ...rows.map(row => `| ${row.join(' | ')} |`),
    '',
    weaker.length === 0
      ? policy.preset
        ? 'No limit is weaker than the preset.'
        : 'No deviation to justify: the policy names no preset.'
      : `Weaker than the preset: ${weaker.join('; ')}. Reason: ${policy.justification}`,
    '',
  ].join('\n')
}
