import { UsageError } from '../../errors.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { Notice, Notifier } from '../notifier.ts'
import type { Alert } from '../store.ts'
import { noticeId } from './notice-id.ts'
import { secretKeys, signature } from './webhook-signature.ts'

/** Options of {@link webhook}. */
export interface WebhookOptions {
  /**
   * Where alerts are posted to. `https:`, or `http:` to this machine with `insecureHttp`. It is the operator's word:
   * never take it from users, who could make the server send requests into its own network (SSRF).
   */
  readonly url: string | URL
  /**
   * What requests are signed with: 24 to 64 random bytes as base64, with or without `whsec_` in front. Several while
   * the secret is changed: the request is signed with each.
   */
  readonly secret: string | readonly string[]
  /** Short name for events, for example where there are several. Default `webhook`. */
  readonly name?: string
  /** How long the receiver may take. Default, and at most, `'10s'`. */
  readonly timeout?: Duration
  /** Further headers, for example `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Allows plain HTTP, only to `localhost`, `127.0.0.0/8` and `[::1]`. Default `false`. */
  readonly insecureHttp?: boolean
  /** For a proxy or a client certificate. Default: Node's own `fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** Now, epoch ms; the signature carries it. For tests. Default `Date.now`. */
  readonly clock?: () => number
}

/** What is posted, as JSON. */
export interface WebhookPayload {
  /** What happened: an alert is new, or one that was there is more urgent now. */
  readonly type: 'alert.opened' | 'alert.worsened'
  /** When the alert was first seen, or when it got worse, ISO 8601. */
  readonly timestamp: string
  /** The alert and how to say it. */
  readonly data: {
    /** One sentence for a person, without hostile characters. */
    readonly text: string
    /** The alert. Hostile characters are possible in its `userId` and `evidence`: encode before printing. */
    readonly alert: Alert
    /** How many further alerts it stands for, because they came too fast to be told one by one. */
    readonly others: number
  }
}

/** What must not be overwritten by `headers`. */
const ownHeader = /^(webhook-.*|content-type|content-length|host)$/i

/**
 * Posts alerts to an address, signed as Standard Webhooks are, so that the receiver knows who sent them and that they
 * are fresh. The receiver checks with `verifyWebhook` or any library for Standard Webhooks. Every try carries the
 * same `webhook-id`, so that what arrives twice can be told; an alert that got worse has another one.
 *
 * Redirects are not followed: whoever can answer for the address must not send alerts elsewhere. Of the answer only the
 * status is looked at.
 */
export function webhook(options: WebhookOptions): Notifier {
  const url = targetOf(options)
  const keys = secretKeys(options.secret, 'webhook')
  const { name = 'webhook', clock = Date.now, headers = {} } = options
  const timeoutMs = durationMs(options.timeout ?? '10s', 'webhook: timeout')
  for (const header of Object.keys(headers))
    if (ownHeader.test(header)) throw new UsageError(`webhook: headers must not have ${header}, which is ours.`)

  return {
    name,
    async notify(notice, signal) {
      const body = JSON.stringify(payloadOf(notice))
      const id = noticeId(notice)
      const timestamp = String(Math.floor(clock() / 1000))
      const signatures = keys.map(key => `v1,${signature(key, id, timestamp, body).toString('base64')}`)
      const response = await (options.fetch ?? fetch)(url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          ...headers,
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': signatures.join(' '),
        },
        body,
      })
      // The answer may never end, and nobody wants it.
      await response.body?.cancel().catch(() => {})
      if (response.status < 200 || response.status > 299) throw new Error(`The webhook answered ${response.status}.`)
    },
  }
}

function payloadOf({ alert, isWorse, text, others }: Notice): WebhookPayload {
  const at = isWorse ? alert.lastAt : alert.firstAt
  const type = isWorse ? 'alert.worsened' : 'alert.opened'
  return { type, timestamp: new Date(at).toISOString(), data: { text, alert, others } }
}

/** Addresses of hooks are often secrets themselves, so none is in a message. */
function targetOf({ url: given, insecureHttp = false }: WebhookOptions): URL {
  const url = URL.parse(String(given))
  if (!url) throw new UsageError('webhook: url is no address. Write one such as https://alerts.example/latchkey')
  if (url.username !== '' || url.password !== '')
    throw new UsageError('webhook: url must not have a user and a password in it. Put them into headers.authorization.')
  if (url.protocol === 'https:') return url
  const isThisMachine = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && insecureHttp && isThisMachine) return url
  throw new UsageError(
    'webhook: url must begin with https://, because alerts name people. For a receiver on this machine set insecureHttp.',
  )
}
