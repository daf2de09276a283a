import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { type ActingSessions, createActions, deservesAlert } from '../../src/watch/actions.ts'
import type { Action, DetectorName } from '../../src/watch/detection.ts'
import type { WatchEvent } from '../../src/watch/events.ts'
import { manualTimers } from './manual-timers.ts'
import { sampleDetection } from './sample-detection.ts'

type Policy = Partial<Record<DetectorName, Action>>

/** Sessions that note what is done to them; `failures` of the first calls reject. */
function rig({
  actions,
  dryRun = false,
  alive = true,
  failures = 0,
  error = new Error('down'),
}: {
  actions?: Policy
  dryRun?: boolean
  alive?: boolean
  failures?: number
  error?: Error
}) {
  const timers = manualTimers()
  const calls: string[] = []
  const told: WatchEvent[] = []
  let left = failures
  async function call(name: string): Promise<boolean> {
    calls.push(name)
    if (left > 0) {
      left -= 1
      throw error
    }
    return alive
  }
  const sessions: ActingSessions = {
    revocable: true,
    end: () => call('end'),
    lock: () => call('lock'),
    find: async () => ((await call('find')) ? {} : null),
  }
  const clock = timers.clock.now
  const act = createActions({ actions, dryRun, sessions, clock, timers, tell: event => told.push(event) })
  const outcomes = () => told.map(event => (event.type === 'action.taken' ? `${event.action} ${event.outcome}` : ''))
  return { act, calls, told, outcomes, timers }
}

describe('what is done about a detection', () => {
  const table: readonly [what: string, setting: Parameters<typeof rig>[0], calls: string[], outcomes: string[]][] = [
    ['nothing without a policy', {}, [], []],
    ['nothing for record', { actions: { 'two-places': 'record' } }, [], []],
    ['nothing for alert', { actions: { 'two-places': 'alert' } }, [], []],
    ['nothing for another detector', { actions: { 'agent-changed': 'end' } }, [], []],
    ['reauthenticate locks', { actions: { 'two-places': 'reauthenticate' } }, ['lock'], ['reauthenticate done']],
    ['end ends', { actions: { 'two-places': 'end' } }, ['end'], ['end done']],
    ['a dead session', { actions: { 'two-places': 'end' }, alive: false }, ['end'], ['end nothing-to-do']],
    ['a dry run only looks', { actions: { 'two-places': 'end' }, dryRun: true }, ['find'], ['end dry-run']],
    [
      'a dry run of locking only looks',
      { actions: { 'two-places': 'reauthenticate' }, dryRun: true },
      ['find'],
      ['reauthenticate dry-run'],
    ],
    [
      'a dry run on a dead session',
      { actions: { 'two-places': 'end' }, dryRun: true, alive: false },
      ['find'],
      ['end nothing-to-do'],
    ],
  ]
  for (const [what, setting, calls, outcomes] of table) {
    it(what, async () => {
      const node = rig(setting)
      await node.act(sampleDetection())
      assert.deepEqual(node.calls, calls)
      assert.deepEqual(node.outcomes(), outcomes)
    })
  }

  it('the event says which session, whose, and because of what', async () => {
    const { act, told, timers } = rig({ actions: { 'two-places': 'end' } })
    await act(sampleDetection())
    const { sid, userId } = sampleDetection()
    const detail = { type: 'action.taken', detector: 'two-places', action: 'end', outcome: 'done' }
    assert.deepEqual(told, [{ at: timers.clock.now(), sid, userId, origin: null, ...detail }])
  })

  it('a detection without a session is told once for all of a detector, and touches nobody', async () => {
    const { act, calls, outcomes } = rig({ actions: { 'two-places': 'end' } })
    for (let count = 0; count < 50; count += 1)
      await act(sampleDetection({ sid: null, fingerprint: `two-places ${count}` }))
    assert.deepEqual(calls, [])
    assert.deepEqual(outcomes(), ['end nothing-to-do'])
  })
})

describe('an action is taken once', () => {
  it('however often a detector hits at the same moment, also while it is under way', async () => {
    const { act, calls, outcomes } = rig({ actions: { 'two-places': 'end' } })
    await Promise.all([act(sampleDetection()), act(sampleDetection()), act(sampleDetection())])
    await act(sampleDetection())
    assert.deepEqual(calls, ['end'])
    assert.deepEqual(outcomes(), ['end done'])
  })

  it('for each session, and again later', async () => {
    const { act, calls, timers } = rig({ actions: { 'two-places': 'reauthenticate' } })
    await act(sampleDetection())
    await act(sampleDetection({ sid: 'CCCCCCCCCCCCCCCCCCCCCC' }))
    timers.clock.advance('10s')
    await act(sampleDetection())
    assert.deepEqual(calls, ['lock', 'lock', 'lock'])
  })

  it('for each action: that a session was locked does not keep it from being ended', async () => {
    const { act, calls } = rig({ actions: { 'two-places': 'reauthenticate', 'agent-changed': 'end' } })
    await act(sampleDetection())
    await act(sampleDetection({ detector: 'agent-changed' }))
    assert.deepEqual(calls, ['lock', 'end'])
  })
})

describe('when sessions cannot be reached', () => {
  it('it is tried again, and then done', async () => {
    const { act, calls, outcomes, timers } = rig({ actions: { 'two-places': 'end' }, failures: 2 })
    const done = act(sampleDetection())
    await timers.pass(10_000)
    await done
    assert.deepEqual(calls, ['end', 'end', 'end'])
    assert.deepEqual(outcomes(), ['end done'])
  })

  it('it fails in the end, says so, and the next hit tries again at once', async () => {
    const { act, outcomes, timers } = rig({ actions: { 'two-places': 'end' }, failures: 4 })
    const done = act(sampleDetection())
    await timers.pass(9_000)
    await done
    await act(sampleDetection())
    assert.deepEqual(outcomes(), ['end failed', 'end done'])
  })

  it('misuse is not tried again', async () => {
    const { act, calls, outcomes } = rig({ actions: { 'two-places': 'end' }, failures: 1, error: new UsageError('no') })
    await act(sampleDetection())
    assert.deepEqual(calls, ['end'])
    assert.deepEqual(outcomes(), ['end failed'])
  })
})

describe('the policy', () => {
  it('everything but record makes an alert', () => {
    const levels: Action[] = ['record', 'alert', 'reauthenticate', 'end']
    const deserving = levels.filter(action => deservesAlert({ 'two-places': action }, 'two-places'))
    assert.deepEqual(deserving, ['alert', 'reauthenticate', 'end'])
    assert.equal(deservesAlert(undefined, 'two-places'), true)
    assert.equal(deservesAlert({ 'agent-changed': 'record' }, 'two-places'), true)
  })

  const wrong: readonly [what: string, actions: object, says: RegExp][] = [
    ['a detector that there is not', { 'two-place': 'end' }, /actions\.two-place:.*two-places/],
    ['a name of Object.prototype', { constructor: 'end' }, /constructor/],
    ['an action that there is not', { 'two-places': 'kill' }, /'two-places'\] is "kill".*reauthenticate/],
    ['ending what any page on the web can cause', { 'csrf-probing': 'end' }, /sign your users out.*'alert'/],
    ['locking what any page on the web can cause', { 'csrf-probing': 'reauthenticate' }, /sign your users out/],
    ['an action named after Object.prototype', { 'two-places': 'toString' }, /toString/],
  ]
  for (const [what, actions, says] of wrong) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => rig({ actions: actions as Policy }), { code: 'usage', message: says })
    })
  }

  it('is refused when it acts on sessions that nobody can end, and not when it does not', () => {
    const nobody: ActingSessions = {
      revocable: false,
      end: () => Promise.reject(),
      lock: () => Promise.reject(),
      find: () => Promise.reject(),
    }
    const start = (action: Action) =>
      createActions({
        ...{ actions: { 'two-places': action }, dryRun: false, sessions: nobody },
        ...{ clock: () => 0, tell: () => {} },
      })
    assert.throws(() => start('end'), { code: 'usage', message: /sealedStore/ })
    assert.throws(() => start('reauthenticate'), { code: 'usage' })
    start('alert')
  })
})
