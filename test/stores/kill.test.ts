import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileStore } from 'latchkey/stores/file'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleRecord } from 'latchkey/testing'
import type { SessionStore } from '../../src/session/store.ts'
import { type Answer, type Ask, bodyOf, type Report, users } from './kill-report.ts'

const rounds = Number(process.env.KILL_ROUNDS ?? 200)
// In memory where there is such a place: to a process that dies it is a disk like any other, only that more happens
// between two kills. What a power cut may lose is another question, and not asked here.
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'latchkey-kill-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** What must be true of a session, from what was asked and answered. */
interface Expected {
  readonly userId: string | null
  /** The version that was acknowledged; 0 while not even the creation was. */
  atLeast: number
  /** The highest version that was asked for. */
  atMost: number
  mayHaveEnded: boolean
  mustHaveEnded: boolean
}

/** Everything that was asked of one store and answered, over all rounds. */
class Ledger {
  readonly sessions = new Map<string, Expected>()
  /** Ended, and removed by a sweep since. */
  readonly buried = new Set<string>()
  /** Per user the generation before an acknowledged `endUser`. */
  readonly overtaken = new Map<string, number>()
  answers = 0
  readonly #asked = new Map<number, { ask: Ask; living: string[] }>()

  /** A new process: what the last one asked without an answer stays possible. */
  nextProcess(): void {
    this.#asked.clear()
  }

  note(report: Report): void {
    if (report.does === 'answered') this.#answered(report.id, report)
    else this.#ask(report.id, report)
  }

  #ask(id: number, ask: Ask): void {
    const living = [...this.sessions].filter(([, one]) => one.atLeast > 0).map(([sid]) => sid)
    this.#asked.set(id, { ask, living })
    if (ask.does === 'create') {
      const { userId } = ask
      const mayHaveEnded = [...this.#asked.values()].some(
        ({ ask: other }) => mayEndAllOf(other) === userId && other !== ask,
      )
      this.sessions.set(ask.sid, { userId, atLeast: 0, atMost: 1, mayHaveEnded, mustHaveEnded: false })
    }
    const user = mayEndAllOf(ask)
    if (user !== null) for (const one of this.sessions.values()) if (one.userId === user) one.mayHaveEnded = true
    if (ask.does === 'end') this.#of(ask.sid).mayHaveEnded = true
    if (ask.does === 'save') this.#of(ask.sid).atMost = Math.max(this.#of(ask.sid).atMost, ask.version)
  }

  #answered(id: number, answer: Answer): void {
    this.answers += 1
    const { ask, living } = this.#asked.get(id) ?? assert.fail('an answer to nothing')
    this.#asked.delete(id)
    for (const sid of answer.evicted ?? []) this.#of(sid).mustHaveEnded = true
    if (ask.does === 'create') this.#of(ask.sid).atLeast = Math.max(1, this.#of(ask.sid).atLeast)
    if (ask.does === 'save' && answer.saved)
      this.#of(ask.sid).atLeast = Math.max(this.#of(ask.sid).atLeast, ask.version)
    if (ask.does === 'end') this.#of(ask.sid).mustHaveEnded = true
    if (ask.does !== 'endUser') return
    for (const sid of living) {
      if (sid !== ask.except && this.#of(sid).userId === ask.userId) this.#of(sid).mustHaveEnded = true
    }
    this.overtaken.set(ask.userId, ask.generation)
  }

  #of(sid: string): Expected {
    return this.sessions.get(sid) ?? assert.fail(`a session that was never created: ${sid}`)
  }
}

/** The user all of whose sessions this may end, or `null`. */
function mayEndAllOf(ask: Ask): string | null {
  return ask.does === 'endUser' || (ask.does === 'create' && ask.evicting) ? ask.userId : null
}

/** Checks the store against the ledger, and the ledger is then as certain as the store. */
async function check(store: SessionStore, ledger: Ledger): Promise<void> {
  const live = new Map<string | null, string[]>()
  for (const [sid, expected] of ledger.sessions) {
    const record = await store.read(sid)
    if (!record) {
      assert.equal(expected.atLeast, 0, `${sid} was acknowledged and is gone`)
      ledger.sessions.delete(sid)
      continue
    }
    const { version, ended, userId, body } = record
    assert.equal(userId, expected.userId)
    if (ended) {
      assert.ok(expected.mayHaveEnded, `${sid} ended, and nobody asked for it`)
      assert.equal(body, '')
    } else {
      assert.ok(!expected.mustHaveEnded, `${sid} had ended, acknowledged, and is back to life at version ${version}`)
      assert.equal(body, bodyOf(sid, version), `${sid} has the body of another version than ${version}`)
      live.set(userId, [...(live.get(userId) ?? []), sid])
    }
    const saved = ended ? version - 1 : version
    assert.ok(saved >= expected.atLeast, `${sid} went back from version ${expected.atLeast} to ${saved}`)
    assert.ok(saved <= expected.atMost, `${sid} is at version ${saved}, which nobody asked for`)
    ledger.sessions.set(sid, {
      userId,
      atLeast: saved,
      atMost: saved,
      mayHaveEnded: ended !== null,
      mustHaveEnded: ended !== null,
    })
  }
  for (const userId of users) {
    const listed = await store.list(userId)
    assert.deepEqual(listed.map(({ sid }) => sid).sort(), (live.get(userId) ?? []).sort(), `the list of ${userId}`)
    for (const record of listed) assert.deepEqual(record, await store.read(record.sid))
  }
  for (const [userId, generation] of ledger.overtaken) {
    assert.deepEqual(await store.create(sampleRecord({ userId }), { now: 0, generation }), { outcome: 'overtaken' })
  }
  for (const sid of [...ledger.buried].slice(-500))
    assert.equal(await store.read(sid), null, `${sid} rose from its grave`)
}

/** Removes the tombstones, so that the store stays small; they must all have ended. */
async function sweep(store: SessionStore, ledger: Ledger): Promise<void> {
  for (const { sid, ended } of await store.sweep(1, 100_000)) {
    assert.ok(ended)
    ledger.sessions.delete(sid)
    ledger.buried.add(sid)
  }
}

/** The program that will be killed. */
class Child {
  readonly reports: Report[] = []
  readonly #process: ChildProcess
  readonly #ready = Promise.withResolvers<void>()
  readonly #busy = Promise.withResolvers<void>()
  readonly #answering = new Set<string>()
  readonly #over: Promise<unknown[]>

  constructor(paths: readonly string[]) {
    const program = join(import.meta.dirname, 'kill-child.ts')
    const child = spawn(process.execPath, ['--conditions=latchkey-source', program, ...paths], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'compiled') },
    })
    this.#process = child
    this.#over = once(child, 'close')
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#heard(JSON.parse(line))
    })
  }

  /** Lets it work for a while and kills it. */
  async work(): Promise<void> {
    await Promise.race([this.#ready.promise, this.#over])
    this.#process.stdin?.write('begin\n')
    // Now and then while it opens the stores and recovers, otherwise in the middle of its work.
    if (randomInt(4) > 0) await Promise.race([this.#busy.promise, this.#over])
    await wait(randomInt(60))
    await this.kill()
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    assert.deepEqual(await this.#over, [null, 'SIGKILL'], 'it died of itself')
  }

  #heard(line: Report | 'ready'): void {
    if (line === 'ready') {
      this.#ready.resolve()
      return
    }
    this.reports.push(line)
    if (line.does === 'answered') this.#answering.add(line.store)
    if (this.#answering.size === Object.keys(subjects).length) this.#busy.resolve()
  }
}

interface Subject {
  readonly path: string
  readonly open: (path: string) => SessionStore
  /** Throws unless what is on the disk is whole. */
  readonly intact: (path: string) => void
  readonly ledger: Ledger
}

const subjects: Record<string, Subject> = {
  file: {
    path: join(root, 'sessions'),
    open: fileStore,
    intact: path => {
      const left = readdirSync(path).filter(file => file.endsWith('.corrupt') || file.endsWith('.tmp'))
      assert.deepEqual(left, [], 'damaged or left over')
    },
    ledger: new Ledger(),
  },
  sqlite: {
    path: join(root, 'sessions.db'),
    open: path => sqliteStore(path),
    intact: path => {
      const database = new DatabaseSync(path, { readOnly: true })
      assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' })
      database.close()
    },
    ledger: new Ledger(),
  },
}

test(`${rounds} times kill -9 in the middle of writing damages nothing and undoes nothing that was acknowledged`, async t => {
  const paths = Object.values(subjects).map(({ path }) => path)
  let next = new Child(paths)
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const child = next
      // To start takes longer than to work, so the next one warms up meanwhile.
      next = new Child(paths)
      await child.work()
      for (const [name, { path, open, intact, ledger }] of Object.entries(subjects)) {
        ledger.nextProcess()
        for (const report of child.reports) if (report.store === name) ledger.note(report)
        const store = open(path)
        try {
          await check(store, ledger)
          intact(path)
          if (round % 3 === 0) await sweep(store, ledger)
        } catch (cause) {
          throw new Error(`${name}, round ${round}`, { cause })
        } finally {
          await store.close()
        }
      }
    }
  } finally {
    await next.kill()
  }
  for (const [name, { ledger }] of Object.entries(subjects)) {
    t.diagnostic(
      `${name}: ${ledger.answers} acknowledged operations, ${ledger.buried.size + ledger.sessions.size} sessions`,
    )
    assert.ok(ledger.answers >= rounds, `${name} did something`)
  }
})
