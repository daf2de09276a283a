import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClient, Refused } from '../../../src/console/page/client.ts'

/** A client whose server gives these answers in turn. */
function clientOf(...answers: (Response | Error)[]) {
  const asked: [address: string, headers: Record<string, string>][] = []
  const clicks = { now: false }
  const client = createClient({
    fetch: async (address, { headers }) => {
      asked.push([address, { ...headers } as Record<string, string>])
      const answer = answers.shift()
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing more to say')
      return answer
    },
    isClicked: () => clicks.now,
  })
  return { client, asked, clicks }
}

async function refusedBy(...answers: (Response | Error)[]): Promise<Refused> {
  const error: unknown = await clientOf(...answers)
    .client.get('x')
    .catch((reason: unknown) => reason)
  assert.ok(error instanceof Refused)
  return error
}

const problem = (status: number, body: object, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })

describe('How the page asks its server', () => {
  it('relative to the page, without what was left out', async () => {
    const { client, asked } = clientOf(Response.json({}))
    await client.get('sessions', {
      user: 'a&b=c',
      text: '',
      cursor: null,
      level: undefined,
      limit: 50,
      type: ['x', 'y'],
    })
    assert.equal(asked[0]?.[0], 'api/sessions?user=a%26b%3Dc&limit=50&type=x&type=y')
  })

  it('says that a person did something only when one did', async () => {
    const { client, asked, clicks } = clientOf(Response.json({}), Response.json({}))
    await client.get('overview')
    clicks.now = true
    await client.get('sessions')
    assert.deepEqual(
      asked.map(([, headers]) => headers['x-console-click']),
      [undefined, '1'],
    )
  })

  it('CSRF: sends the token of the overview, and gets a new one once when it is no good', async () => {
    const stale = () => problem(403, { code: 'csrf-token-invalid', message: 'no', signInAt: null })
    const overview = (csrfToken: string) => Response.json({ csrfToken })
    const { client, asked } = clientOf(overview('old'), stale(), overview('new'), Response.json({ ended: 1 }))
    await client.get('overview')
    assert.deepEqual(await client.post('session/end', { sid: 's' }), { ended: 1 })
    assert.deepEqual(
      asked.map(([address, headers]) => [address, headers['x-csrf-token']]),
      [
        ['api/overview', undefined],
        ['api/session/end', 'old'],
        ['api/overview', undefined],
        ['api/session/end', 'new'],
      ],
    )
    const again = clientOf(stale(), overview('x'), stale())
    await assert.rejects(again.client.post('session/end', {}), { status: 403, code: 'csrf-token-invalid' })
  })

  it('has words for every refusal, also from somebody in between', async () => {
    const known = await refusedBy(problem(429, { code: 'wait', message: 'Wait.' }, { 'retry-after': '30' }))
    assert.deepEqual([known.message, known.code, known.waitMs, known.isOver], ['Wait.', 'wait', 30_000, false])
    const proxy = await refusedBy(new Response('<html>Bad gateway</html>', { status: 502 }))
    assert.deepEqual([proxy.message, proxy.code], ['Something went wrong on the server (502).', 'http-502'])
    const gone = await refusedBy(new TypeError('Failed to fetch'))
    assert.deepEqual([gone.status, gone.code], [0, 'unreachable'])
  })

  for (const [place, taken] of [
    ['/login?returnTo=%2Fconsole%2F', '/login?returnTo=%2Fconsole%2F'],
    ['javascript:alert(1)', null],
    ['//evil.example', null],
    ['/\\evil.example', null],
    ['https://evil.example', null],
    [7, null],
  ] as const) {
    it(`T25: the way to sign in is a path of this site: ${place}`, async () => {
      const refused = await refusedBy(problem(401, { code: 'not-signed-in', message: 'x', signInAt: place }))
      assert.equal(refused.signInAt, taken)
      assert.ok(refused.isOver)
    })
  }
})
