import type { SessionsOptions } from '../http/sessions.ts'
import { formatDuration } from '../session/duration.ts'
import { weakness } from '../session/key-ring.ts'
import { type Policy, resolvePolicy } from '../session/policy.ts'
import { type Finding, failure, ok, warning } from './finding.ts'

const minute = 60_000
const hour = 60 * minute

/** The deployment checklist for the options of `createSessions`: pure, nothing is opened or started. */
export function checkConfiguration(options: SessionsOptions): Finding[] {
  return [
    ...checkSecrets(options),
    ...checkPolicy(options),
    ...checkStore(options),
    ...checkTransport(options),
    ...checkCsrf(options),
    ...checkWatch(options),
  ]
}

function checkSecrets({ secrets }: SessionsOptions): Finding[] {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    return [failure('secrets: none.', 'Make one with `npx latchkey keygen` and pass it through the environment.')]
  }
  return secrets.map((secret, index) => {
    const problem = weakness(secret)
    const role = index === 0 ? 'issues and verifies' : 'verifies only'
    return problem
      ? failure(`secrets[${index}] ${problem}.`, 'Replace it by the output of `npx latchkey keygen`.')
      : ok(`secrets[${index}] looks random and ${role}.`)
  })
}

function checkPolicy(options: SessionsOptions): Finding[] {
  let policy: Policy
  try {
    policy = resolvePolicy(options.policy)
  } catch (error) {
    return [failure(error instanceof Error ? error.message : String(error), 'Correct the option `policy`.')]
  }
  const idle = formatDuration(policy.idleTimeoutMs)
  const absolute = formatDuration(policy.absoluteTimeoutMs)
  return [
    policy.idleTimeoutMs > hour
      ? warning(
          `policy.idleTimeout is ${idle}, over NIST AAL2's hour.`,
          "Shorten it, or name the preset 'aal1' if that is what you mean.",
        )
      : ok(`policy.idleTimeout is ${idle}.`),
    policy.absoluteTimeoutMs > 24 * hour
      ? warning(
          `policy.absoluteTimeout is ${absolute}, over NIST AAL2's day.`,
          "Shorten it, or name the preset 'aal1' if that is what you mean.",
        )
      : ok(`policy.absoluteTimeout is ${absolute}.`),
    policy.rotateEveryMs === null
      ? warning(
          'policy.rotateEvery is off: a stolen token is never superseded, so its use is never noticed.',
          "Set it, for example to '10m'.",
        )
      : ok(`policy.rotateEvery is ${formatDuration(policy.rotateEveryMs)}.`),
    policy.graceMs > 2 * minute
      ? warning(
          `policy.grace is ${formatDuration(policy.graceMs)}: a stolen token works that long beside its successor.`,
          "Shorten it; '30s' is enough for slow clients.",
        )
      : ok(`policy.grace is ${formatDuration(policy.graceMs)}.`),
    policy.maxSessions === null && options.policy?.maxSessions !== false
      ? warning(
          'policy.maxSessions is off: a user may have any number of sessions (ASVS 7.1.2 wants that decided).',
          'Set a number, or write maxSessions: false if that is decided.',
        )
      : ok(
          policy.maxSessions === null
            ? 'policy.maxSessions is off, as written down.'
            : `policy.maxSessions is ${policy.maxSessions}, then ${policy.atMaxSessions}.`,
        ),
  ]
}

function checkStore({ store }: SessionsOptions): Finding[] {
  if (!store) return [failure('store: none.', "Pass one, for example sqliteStore('sessions.db').")]
  if (store.carried === 'all') {
    return [
      warning(
        'store is sealed, without a list of sessions: a copied cookie works until its idle time-out, and when it is used until the absolute one, also after sign-out (ASVS 7.4.1 is not met).',
        "Pass sealedStore({ revocations: sqliteStore('sessions.db') }), or keep policy.idleTimeout short.",
      ),
    ]
  }
  return [
    store.persistent
      ? ok(`store is ${store.name} and survives a restart.`)
      : failure(`store is ${store.name}: every restart signs everybody out.`, 'Use sqliteStore or a database.'),
  ]
}

function checkTransport({ insecureHttp, trustProxy, cookie, clearSiteData, policy }: SessionsOptions): Finding[] {
  const shared = cookie && 'domain' in cookie && cookie.domain !== undefined
  return [
    insecureHttp
      ? failure(
          'insecureHttp is on: tokens travel in the clear.',
          'Remove it and serve HTTPS, or end TLS at a proxy and set trustProxy.',
        )
      : ok('The cookie travels over HTTPS only.'),
    trustProxy === undefined
      ? failure(
          'trustProxy is not set.',
          'Write false, or the number or addresses of your proxies: production does not start without.',
        )
      : typeof trustProxy === 'number'
        ? warning(
            `trustProxy counts ${trustProxy} proxies: whoever reaches the server past them can forge addresses and HTTPS.`,
            "Close the server's port to everybody else, or list the proxies' addresses.",
          )
        : ok(
            trustProxy === false
              ? 'trustProxy is false: forwarding headers are ignored.'
              : `trustProxy believes ${trustProxy.join(', ')}.`,
          ),
    shared
      ? warning(
          `cookie.domain is ${cookie.domain}: every subdomain can read and plant the session cookie.`,
          'Leave it out unless you share the session on purpose; send HSTS with includeSubDomains.',
        )
      : ok('The cookie belongs to one host (__Host-Http- prefix).'),
    cookie?.sameSite === 'none'
      ? warning(
          "cookie.sameSite is 'none': other sites' requests carry the session.",
          "Use 'lax' unless the application is embedded in other sites.",
        )
      : ok(`cookie.sameSite is ${cookie?.sameSite ?? (policy?.preset === 'owasp-high' ? 'strict' : 'lax')}.`),
    clearSiteData === false
      ? warning(
          'clearSiteData is off: private data stays in the browser after sign-out (ASVS 14.3.1).',
          'Remove the option.',
        )
      : ok('A sign-out clears the storage of the browser.'),
  ]
}

function checkCsrf({ csrf }: SessionsOptions): Finding[] {
  const exempt = csrf?.exempt ?? []
  return [
    csrf?.insecureReportOnly
      ? failure('csrf.insecureReportOnly is on: forged requests are carried out.', 'Remove it.')
      : ok('Forged requests are refused by where they come from.'),
    csrf?.token === false
      ? warning(
          'csrf.token is off: only the headers of the browser protect (NIST SP 800-63B-4 5.1 wants the token).',
          'Remove the option.',
        )
      : ok('Forged requests are refused by the session-bound token.'),
    exempt.length > 0
      ? warning(
          `csrf.exempt leaves out ${exempt.join(', ')}.`,
          'Check that each of them proves in another way where its requests come from.',
        )
      : ok('No request is exempt from the CSRF checks.'),
  ]
}

function checkWatch({ onEvent, onReplay, store }: SessionsOptions): Finding[] {
  return [
    onEvent
      ? ok('Events are listened to.')
      : warning(
          'onEvent is not set: nobody learns of a replayed token.',
          'Write the events to your log, and alert on severity `alert`.',
        ),
    ...(store?.carried === 'all' ? [] : [checkReplay(onReplay)]),
  ]
}

function checkReplay(onReplay: SessionsOptions['onReplay']): Finding {
  return onReplay === 'refuse'
    ? warning(
        "onReplay is 'refuse': when a token was stolen, thief and owner keep the session.",
        "Use 'end', the default.",
      )
    : ok('A replayed token ends the session.')
}
