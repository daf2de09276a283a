/**
 * T22: what an attacker with a stopwatch could learn. Absolute times prove nothing on a shared machine, so the code is
 * read (no secret is compared by a comparison that stops early), operations are counted, answers are compared, and only
 * one distribution is measured, loosely.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { type Expression, parseSync, Visitor } from 'oxc-parser'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { newSecret, newSid, readToken, writeToken } from '../../src/session/token.ts'
import { adapters, type Running, running } from '../actors/application.ts'

const cookieName = '__Host-Http-sid'

/** Names under which this code base holds what must not be guessed, or what is compared with it. */
const guarded = /^#?(.*(tag|mac|hmac|digest|signature|proof|secret|hash|token|password)|expected|presented)$/i

/**
 * Comparisons of such names that are safe, with the reason. The comparison stops early, but:
 */
const harmless: Readonly<Record<string, string>> = {
  'stores/redis.ts tag !== tagOfUser(userId)': 'the hash tag of a key: the first bits of a public sid',
  'stores/redis/directory.ts cursor === tag': 'a Redis hash tag again, in an administrator’s cursor',
  'stores/redis/directory.ts tags.includes(tag)': 'the same',
  'session/verdict.ts hash === body.secret.hash': 'both are hashes of secrets whose tag was found good',
  'session/verdict.ts retired.hash === hash': 'both are hashes of secrets whose tag was found good',
  'session/challenges.ts other.hash === hash': 'both are hashes of 256 random bits, and the text is no secret',
  'session/confirmations.ts next.secret.equals(held.secret)': 'both come out of our own store and memory',
  'session/session-work.ts next.secret.equals(held.secret)': 'both come out of our own store and memory',
}

/** Every early-stopping comparison in `text` that has a guarded name on a side, as source text. */
function earlyComparisons(file: string, text: string): string[] {
  const { program } = parseSync(file, text)
  const found: string[] = []
  const source = ({ start, end }: { start: number; end: number }) => text.slice(start, end)
  new Visitor({
    BinaryExpression(node) {
      if (!['===', '!==', '==', '!='].includes(node.operator)) return
      const sides = [node.left, node.right]
      if (sides.some(isHarmlessSide)) return
      if (sides.some(side => guarded.test(lastName(side)))) found.push(source(node))
    },
    CallExpression(node) {
      if (node.callee.type !== 'MemberExpression') return
      const method = lastName(node.callee)
      if (!/^(equals|compare|localeCompare|startsWith|endsWith|indexOf|includes)$/.test(method)) return
      const sides = [node.callee.object, ...node.arguments.filter(argument => argument.type !== 'SpreadElement')]
      if (sides.some(isHarmlessSide)) return
      if (sides.some(side => guarded.test(lastName(side)))) found.push(source(node))
    },
  }).visit(program)
  return found
}

/** A constant, `undefined`, `typeof x` or a length is no secret. */
function isHarmlessSide(side: Expression): boolean {
  if (side.type === 'Literal' || side.type === 'TemplateLiteral' || side.type === 'UnaryExpression') return true
  return /^(undefined|length|\w*Length|\w*Bytes)$/.test(lastName(side))
}

function lastName(side: Expression): string {
  if (side.type === 'Identifier') return side.name
  if (side.type === 'MemberExpression' && 'name' in side.property) return String(side.property.name)
  if (side.type === 'CallExpression') return lastName(side.callee)
  return ''
}

suite('T22: the code that compares secrets', () => {
  const files = globSync('src/{session,http,stores,adapters}/**/*.ts').sort()

  test('ASVS 11.2.4: nothing secret is compared by a comparison that stops early', () => {
    assert.ok(files.length > 30)
    const found = files.flatMap(file =>
      earlyComparisons(file, readFileSync(file, 'utf8')).map(
        expression => `${file.slice('src/'.length)} ${expression}`,
      ),
    )
    assert.deepEqual(found.sort(), Object.keys(harmless).sort())
  })

  for (const [line, caught] of [
    ['if (tagOf(key, body) === tag) return', true],
    ['if (this.#csrfToken !== presentedToken) throw 1', true],
    ['return expected.equals(mac)', true],
    ['return Buffer.compare(a.secretHash, b) === 0', true],
    ['return tokens.includes(token)', true],
    ['if (token === null) return', false],
    ['if (typeof secret !== "string") return', false],
    ['if (token.length !== tokenLength) return', false],
    ['return timingSafeEqual(tag, other)', false],
  ] as const) {
    test(`ASVS 11.2.4: this reading ${caught ? 'catches' : 'lets pass'} \`${line}\``, () => {
      assert.equal(earlyComparisons('a.ts', `function f(this: any) { ${line} }`).length, caught ? 1 : 0)
    })
  }

  test('ASVS 11.2.4: tags and CSRF tokens are compared in constant time', () => {
    for (const file of ['src/session/token.ts', 'src/http/csrf.ts']) {
      assert.match(readFileSync(file, 'utf8'), /timingSafeEqual\(/, file)
    }
  })
})

/** Tokens that sign nobody in, each for another reason. */
async function deadTokens(application: Running): Promise<Record<string, string>> {
  const { signedIn, clock, secret, sessions } = application
  const ring = createKeyRing([secret])
  const expired = await (await signedIn()).token()
  clock.advance('8h')
  const [signedOut, revoked, living] = [await signedIn(), await signedIn(), await signedIn()]
  const [endedToken, revokedToken, livingToken] = [await signedOut.token(), await revoked.token(), await living.token()]
  await signedOut.post('/logout')
  await sessions.end((await revoked.me()).id ?? '')
  const other = createKeyRing([randomBytes(32).toString('base64url')])
  const changed = (at: number) =>
    `${livingToken?.slice(0, at)}${livingToken?.[at] === 'A' ? 'B' : 'A'}${livingToken?.slice(at + 1)}`
  return {
    'no token at all': 'x',
    'another first character of the secret': changed(40),
    'another first character of the tag': changed(75),
    'another last character of the tag': changed(93),
    'another key id': changed(0),
    "another server's token": writeToken(other.newest, newSid(randomBytes, 'alice'), newSecret(randomBytes)),
    'a session that never was': writeToken(ring.newest, newSid(randomBytes, 'alice'), newSecret(randomBytes)),
    'a session that timed out': expired ?? '',
    'a session that was signed out': endedToken ?? '',
    'a session that was revoked': revokedToken ?? '',
  }
}

for (const adapter of Object.keys(adapters)) {
  suite(`T22: dead and guessed tokens on ${adapter}`, () => {
    test('ASVS 6.3.8, 11.2.5: all get the same answer, whatever is wrong with them', () =>
      running(adapter, async application => {
        for (const [method, path] of [
          ['GET', '/private'],
          ['GET', '/me'],
          ['POST', '/set?a=1'],
        ] as const) {
          const answers = new Map<string, string>()
          for (const [name, token] of Object.entries(await deadTokens(application))) {
            const answer = await application.client().send(path, { method, cookie: `${cookieName}=${token}` })
            const { date: _, 'set-cookie': cookies, ...headers } = answer.headers
            answers.set(name, JSON.stringify([answer.status, headers, answer.body, cookies?.length]))
          }
          assert.equal(new Set(answers.values()).size, 1, [...answers].join('\n'))
        }
      }))

    test('ASVS 6.3.8: a guess costs no store access, and a session that was costs one like one that never was', () =>
      running(adapter, async application => {
        const { store, client } = application
        const costs: Record<string, number> = {}
        for (const [name, token] of Object.entries(await deadTokens(application))) {
          store.calls.length = 0
          await client().send('/private', { cookie: `${cookieName}=${token}` })
          costs[name] = store.calls.length
        }
        const { 'a session that timed out': timedOut, ...others } = costs
        const guessed = ['no token at all', "another server's token", 'another key id']
        for (const [name, cost] of Object.entries(others)) {
          assert.equal(cost, name.startsWith('another') || guessed.includes(name) ? 0 : 1, name)
        }
        assert.equal(timedOut, 2, 'the first to notice a time-out ends the session')
      }))
  })
}

suite('T22: the time that a check takes', () => {
  test('ASVS 11.2.4: a tag that is wrong at its first byte is not refused sooner than one wrong at its last', () => {
    const ring = createKeyRing([randomBytes(32).toString('base64url')])
    const token = writeToken(ring.newest, newSid(randomBytes, null), newSecret(randomBytes))
    const wrongAt = (at: number) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    const candidates = [wrongAt(73), wrongAt(93)].map(text => ({ text, times: [] as number[] }))
    for (let round = 0; round < 4_000; round += 1) {
      for (const { text, times } of round % 2 === 0 ? candidates : candidates.toReversed()) {
        const began = process.hrtime.bigint()
        const read = readToken(ring, text)
        times.push(Number(process.hrtime.bigint() - began))
        assert.equal(read, null)
      }
    }
    const [first = 0, last = 0] = candidates.map(({ times }) => times.slice(1_000).sort((a, b) => a - b)[1_500])
    assert.ok(first / last > 0.5 && first / last < 2, `medians ${first} ns and ${last} ns`)
  })
})
