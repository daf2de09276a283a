import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Proving, ProvingContext } from 'latchkey/console'
import { consoleApplications } from '../actors/console-applications.ts'
import type { ConsoleClient } from '../actors/console-client.ts'
import { openConsole } from '../actors/console-scene.ts'
import type { Data } from '../actors/server.ts'

/** An application's proof: this password and this code, or a passkey that signed the confirmation. */
function proving(): Proving<Data> & { readonly asked: ProvingContext<Data>[]; wait: number } {
  const prove = {
    asked: [] as ProvingContext<Data>[],
    wait: 0,
    fields: { password: true, code: true, passkey: true },
    async check(
      { password, code, passkey }: { password?: string; code?: string; passkey?: unknown },
      context: ProvingContext<Data>,
    ) {
      prove.asked.push(context)
      if (prove.wait > 0) return { outcome: 'wait', seconds: prove.wait } as const
      if (passkey !== undefined) {
        const isSigned = JSON.stringify(passkey) === JSON.stringify({ signed: context.confirmation })
        return isSigned ? ({ outcome: 'passed', amr: ['hwk', 'pin'] } as const) : ({ outcome: 'refused' } as const)
      }
      if (password !== 'right') return { outcome: 'refused' } as const
      return { outcome: 'passed', amr: code === '123456' ? ['pwd', 'otp'] : ['pwd'] } as const
    },
    passkey: async (_session: unknown, confirmation: string) => ({ challenge: confirmation }),
  }
  return prove
}

async function confirmation(admin: ConsoleClient): Promise<{ confirmation: string; passkey: unknown }> {
  const answer = await admin.post('/api/everybody/confirm', {})
  assert.equal(answer.status, 200)
  return JSON.parse(answer.body)
}

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`ending everybody's sessions from a console on ${name}`, () => {
    for (const [how, proof] of [
      ['password and code', () => ({ password: 'right', code: '123456' })],
      ['a passkey that signed the confirmation', (id: string) => ({ passkey: { signed: id } })],
    ] as const) {
      test(`it is done when ${how} were proved for it, once`, async t => {
        const prove = proving()
        const scene = await openConsole(t, start, { console: { prove } })
        await scene.client().signIn('alice')
        const admin = await scene.admin()
        const { confirmation: id, passkey } = await confirmation(admin)
        assert.deepEqual(passkey, { challenge: id })
        const answer = await admin.post('/api/everybody/end', { confirmation: id, ...proof(id) })
        assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { ended: 2 }])
        assert.deepEqual(await scene.sessions.list('alice'), [])
        assert.deepEqual(await scene.sessions.list('admin'), [])
        assert.equal(admin.browser.token, null)
        assert.deepEqual(scene.watch.acted, ['end-everybody everybody admin'])
        const [context] = prove.asked
        assert.deepEqual([context?.userId, context?.confirmation], ['admin', id])
        assert.equal(context?.client.address, '127.0.0.1')
        assert.ok(context?.request)
      })
    }

    const refused = [
      ['a wrong password', { password: 'wrong', code: '123456' }, 'proof-refused'],
      ['nothing at all', {}, 'proof-refused'],
      ['a password alone', { password: 'right' }, 'confirmation-refused'],
      ['a passkey that signed something else', { passkey: { signed: 'x' } }, 'proof-refused'],
    ] as const
    for (const [how, proof, code] of refused) {
      test(`nothing is done with ${how}`, async t => {
        const scene = await openConsole(t, start, { console: { prove: proving() } })
        await scene.client().signIn('alice')
        const admin = await scene.admin()
        const { confirmation: id } = await confirmation(admin)
        const answer = await admin.post('/api/everybody/end', { confirmation: id, ...proof })
        assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, code])
        assert.equal((await scene.sessions.list('alice')).length, 1)
        assert.deepEqual(scene.watch.acted, [])
      })
    }

    test('a passkey nested so deep that nobody could write it as JSON again is refused unread', async t => {
      const prove = proving()
      const scene = await openConsole(t, start, { console: { prove } })
      const admin = await scene.admin()
      const { confirmation: id } = await confirmation(admin)
      for (const deep of [17, 500]) {
        const passkey = JSON.parse(`${'['.repeat(deep)}${']'.repeat(deep)}`)
        const answer = await admin.post('/api/everybody/end', { confirmation: id, passkey })
        assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 'bad-request'])
      }
      assert.deepEqual(prove.asked, [])
    })

    test('a confirmation of another administrator is none, and one that is five times wrong is void', async t => {
      const scene = await openConsole(t, start, { console: { prove: proving() } })
      const admin = await scene.admin()
      const other = await scene.admin()
      const { confirmation: id } = await confirmation(other)
      const right = { password: 'right', code: '123456' }
      const taken = await admin.post('/api/everybody/end', { confirmation: id, ...right })
      assert.equal(JSON.parse(taken.body).code, 'confirmation-refused')

      for (let time = 0; time < 5; time += 1)
        await other.post('/api/everybody/end', { confirmation: id, password: 'wrong' })
      const late = await other.post('/api/everybody/end', { confirmation: id, ...right })
      assert.deepEqual([late.status, JSON.parse(late.body).code], [403, 'confirmation-refused'])
      assert.deepEqual(scene.watch.acted, [])
    })

    test('who has to wait is told how long', async t => {
      const prove = proving()
      prove.wait = 17.2
      const scene = await openConsole(t, start, { console: { prove } })
      const admin = await scene.admin()
      const { confirmation: id } = await confirmation(admin)
      const answer = await admin.post('/api/everybody/end', { confirmation: id, password: 'right', code: '123456' })
      assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '18'])
    })

    test('without a proof it is not offered', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      assert.deepEqual((await admin.overview()).proof, { password: false, code: false, passkey: false })
      assert.equal((await admin.post('/api/everybody/confirm', {})).status, 404)
      assert.equal((await admin.post('/api/everybody/end', { confirmation: 'x' })).status, 404)
    })
  })
}
