import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { maskedHeaders } from '../../app/masked-headers.ts'

const secret = 'k3y.SECRETsecretSECRET'
const cases: [name: string, headers: Record<string, string | string[]>][] = [
  ['the session cookie', { cookie: `inspect_demo=1; __Host-Http-sid=${secret}` }],
  ['a cookie under any other name', { cookie: `sid=${secret}; x=${secret}` }],
  ['a cookie without name', { cookie: secret }],
  ['a cookie that only looks harmless', { cookie: `inspect_demo2=${secret}; INSPECT_DEMO=${secret}` }],
  ['a cookie value with equals signs', { cookie: `sid=a=${secret}` }],
  ['a cookie that is set', { 'Set-Cookie': [`__Host-Http-sid=${secret}; Path=/; Secure`, 'inspect_demo=1; Path=/'] }],
  ['an authorization', { authorization: `Bearer ${secret}` }],
  ['a CSRF token', { 'x-csrf-token': secret, 'X-CSRFToken': secret }],
]
for (const [name, headers] of cases) {
  it(`ASVS 3.3.4: ${name} is covered`, () => assert.doesNotMatch(JSON.stringify(maskedHeaders(headers)), /SECRET/))
}

it('shows the names of cookies, the attributes and the harmless value', () => {
  assert.deepEqual(
    maskedHeaders({
      cookie: 'inspect_demo=1; sid=x',
      'set-cookie': ['sid=x; Path=/; Secure', 'inspect_demo=1; HttpOnly'],
      host: 'a',
    }),
    [
      ['cookie', 'inspect_demo=1; sid=••••••••'],
      ['set-cookie', 'sid=••••••••; Path=/; Secure'],
      ['set-cookie', 'inspect_demo=1; HttpOnly'],
      ['host', 'a'],
    ],
  )
})

it('never shows any part of a cookie value', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const shown = JSON.stringify(maskedHeaders({ cookie: `${before}; sid=${secret}; ${after}` }))
      assert.doesNotMatch(shown, /SECRET/)
    }),
  )
})
