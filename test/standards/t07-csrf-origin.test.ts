/**
 * T07, layer 1: where a request comes from. The rule is written once more as a small oracle, and every combination of
 * what a browser says, who is there and which token comes along is compared with it, over real HTTP on every adapter.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { running, wireAdapters } from '../actors/application.ts'
import { evil, isRefusal, outcome } from '../actors/forgery.ts'
import { site, type Wanted } from '../actors/http-client.ts'

/** Values of `Sec-Fetch-Site`, and whether they vouch for the request. */
const fetchSites: readonly (readonly [value: string | null, verdict: 'same' | 'other' | 'silent'])[] = [
  [null, 'silent'],
  ['same-origin', 'same'],
  ['none', 'same'],
  ['same-site', 'other'],
  ['cross-site', 'other'],
  ['Same-Origin', 'other'],
  ['same-origin, cross-site', 'other'],
  ['', 'other'],
  ['tomorrow', 'other'],
]

/** Values of `Origin`, and whether they are the site's own. */
const origins: readonly (readonly [value: string | null, verdict: 'own' | 'other' | 'silent'])[] = [
  [null, 'silent'],
  [site, 'own'],
  ['https://CAMPUS.example', 'own'],
  ['https://campus.example:443', 'own'],
  [evil, 'other'],
  ['null', 'other'],
  ['', 'other'],
  ['http://campus.example', 'other'],
  ['https://campus.example:8443', 'other'],
  ['https://campus.example.', 'other'],
  ['https://campus.example.evil.example', 'other'],
  ['https://evil.example?campus.example', 'other'],
  ['https://evil@campus.example', 'other'],
  ['https://campus.example/', 'other'],
  [`${site}, ${site}`, 'other'],
]

type Proof = 'right' | 'missing' | 'wrong'
type Refused = 'csrf-cross-site' | 'csrf-token-missing' | 'csrf-token-invalid'

/** What must happen to an unsafe request: `null` is carried out. */
function verdict(
  fetchSite: (typeof fetchSites)[number][1],
  origin: (typeof origins)[number][1],
  proof: Proof | null,
): Refused | null {
  const elsewhere = fetchSite === 'other' || (fetchSite === 'silent' && origin === 'other')
  if (elsewhere) return 'csrf-cross-site'
  if (proof === 'missing') return 'csrf-token-missing'
  return proof === 'wrong' ? 'csrf-token-invalid' : null
}

for (const adapter of Object.keys(wireAdapters)) {
  suite(`T07: the origin of a request on ${adapter}`, () => {
    for (const proof of [null, 'right', 'missing', 'wrong'] as const) {
      const who = proof === null ? 'nobody' : `a user whose token is ${proof}`
      test(`CSRF-1, CSRF-2, CSRF-9, CSRF-11: every pair of Sec-Fetch-Site and Origin, from ${who}`, () =>
        running(adapter, async application => {
          const { client, signedIn } = application
          const stranger = await signedIn('mallory')
          for (const [fetchSite, fetchVerdict] of fetchSites) {
            for (const [origin, originVerdict] of origins) {
              const row = `Sec-Fetch-Site: ${fetchSite}, Origin: ${origin}`
              const visitor = proof === null ? client() : await signedIn()
              const token = { right: () => visitor.csrf(), wrong: () => stranger.csrf(), missing: () => null }
              const headers = {
                'Sec-Fetch-Site': fetchSite,
                Origin: origin,
                'X-CSRF-Token': proof && (await token[proof]()),
              }
              const expected = verdict(fetchVerdict, originVerdict, proof)
              const { answer, reason, touched } = await outcome(application, visitor, { headers })
              assert.deepEqual([reason, touched], [expected, expected === null], row)
              if (expected) isRefusal(answer, row)
              else assert.equal(answer.status, 303, row)
            }
          }
        }))
    }

    test('CSRF-2, CSRF-4: with configured origins only they count, whatever Host says', () =>
      running(
        adapter,
        async application => {
          const rows: readonly (readonly [host: string, origin: string, fetchSite: string | null, passes: boolean])[] =
            [
              ['campus.example', 'https://a.example', null, true],
              ['campus.example', 'https://b.example:8443', null, true],
              ['campus.example', site, null, false],
              ['evil.example', evil, null, false],
              ['campus.example', 'https://b.example', null, false],
              ['campus.example', 'https://sub.a.example', null, false],
              ['campus.example', 'https://a.example', 'cross-site', true],
              ['campus.example', 'https://a.example', 'same-site', true],
              ['campus.example', evil, 'cross-site', false],
              ['campus.example', evil, 'same-origin', true],
            ]
          for (const [Host, Origin, fetchSite, passes] of rows) {
            const headers = { Host, Origin, 'Sec-Fetch-Site': fetchSite }
            const { answer } = await outcome(application, application.client(), { headers })
            assert.equal(answer.status, passes ? 303 : 403, `${Host} ${Origin} ${fetchSite}`)
          }
        },
        { sessions: { csrf: { origins: ['https://a.example', 'https://b.example:8443'] } } },
      ))

    test('CSRF-2: behind a proxy the host it names counts, and an unknown host is nobody', () =>
      running(
        adapter,
        async application => {
          const rows: readonly (readonly [headers: Wanted['headers'], passes: boolean])[] = [
            [{ Host: '127.0.0.1', 'X-Forwarded-Host': 'campus.example', Origin: site }, true],
            [{ Host: 'campus.example', 'X-Forwarded-Host': 'evil.example', Origin: site }, false],
            [{ Host: 'campus.example', 'X-Forwarded-Proto': 'http', Origin: site }, false],
            [{ Host: 'evil@campus.example', Origin: site }, false],
            [{ Host: 'campus.example/evil', Origin: site }, false],
            [{ Host: '', Origin: site }, false],
            [{ Host: '', Origin: 'https://' }, false],
          ]
          for (const [headers, passes] of rows) {
            const { answer } = await outcome(application, application.client(), {
              headers: { 'Sec-Fetch-Site': null, ...headers },
            })
            assert.equal(answer.status, passes ? 303 : 403, JSON.stringify(headers))
          }
        },
        { routes: [] },
      ))

    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND', 'QUERY', 'TRACE']) {
      test(`CSRF-1, ASVS 3.5.1: ${method} from another site is refused, whatever is there`, () =>
        running(adapter, async ({ signedIn }) => {
          const headers = { 'Sec-Fetch-Site': 'cross-site' }
          isRefusal(await (await signedIn()).send('/nowhere', { method, headers }), method)
        }))
    }

    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      test(`CSRF-6, ASVS 3.5.3: ${method} from another site passes and changes nothing`, () =>
        running(adapter, async ({ signedIn, store }) => {
          const alice = await signedIn()
          store.calls.length = 0
          for (const path of ['/me', '/set?touched=yes', '/logout', '/login?user=mallory', '/increment', '/rotate']) {
            const { status } = await alice.send(path, {
              method,
              headers: { 'Sec-Fetch-Site': 'cross-site', Origin: evil },
            })
            assert.notEqual(status, 403, path)
          }
          assert.deepEqual(
            [...new Set(store.calls)].filter(call => call !== 'read'),
            [],
          )
          const { userId, data } = await alice.me()
          assert.deepEqual([userId, data], ['alice', {}])
        }))
    }
  })
}
