import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import type { Logger as TelemetryLogger } from '@opentelemetry/api-logs'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { jsonLines, logger, openTelemetryLogs, type SinkOptions } from 'latchkey/watch/sinks'
import pino from 'pino'
import type { AuditEntry } from '../../src/watch/entry.ts'
import { hostileTexts, unseenCharacters } from '../actors/hostile-text.ts'
import { everything, openTrail, signedIn } from '../actors/trail.ts'

const never: AbortSignal = new AbortController().signal

/** Entries as they are in a trail: that it was opened, somebody signed in, somebody was refused, a token was replayed. */
async function entries(text: string = 'alice'): Promise<AuditEntry[]> {
  const { trail, store, timers } = await openTrail()
  const { sid, userId, origin } = signedIn(0, text, text)
  const common = { at: timers.clock.now(), sid, userId, origin }
  trail.write(signedIn(timers.clock.now(), text, text))
  trail.write({ ...common, type: 'confirmation.refused', operation: text, fault: 'changed' })
  trail.write({ ...common, type: 'token.replayed' })
  await trail.flush()
  return everything(store)
}

async function linesOf(text: string, options: SinkOptions = {}): Promise<string[]> {
  const lines: string[] = []
  await jsonLines({ write: line => lines.push(line), ...options }).write(await entries(text), never)
  return lines
}

/** A stream that takes nothing before it is told to. */
function slowStream() {
  const chunks: string[] = []
  const waiting: ((error?: Error) => void)[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      chunks.push(String(chunk))
      waiting.push(done)
    },
  })
  return { stream, chunks, take: (error?: Error) => waiting.shift()?.(error), lines: () => chunks.join('').split('\n') }
}

describe('JSON lines', () => {
  it('ASVS 16.2.4: each line is one entry, with the same fields in every one', async () => {
    const given = await entries()
    const lines = await linesOf('alice')
    assert.equal(lines.length, 4)
    for (const [index, line] of lines.entries()) {
      const { time, ...entry } = JSON.parse(line)
      assert.deepEqual(Object.keys(entry).sort(), Object.keys(given[index] ?? {}).sort())
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.equal(Date.parse(time), entry.at)
    }
  })

  for (const [name, text] of Object.entries(hostileTexts)) {
    for (const format of ['latchkey', 'ecs', 'ocsf'] as const) {
      it(`ASVS 16.4.1: ${name} splits no line and forges no entry (${format})`, async () => {
        const lines = await linesOf(text, { format })
        assert.equal(lines.length, 4)
        for (const line of lines) assert.doesNotMatch(line, unseenCharacters)
        // Nothing is lost: what is read back is what was there.
        const texts: unknown[] = []
        JSON.parse(lines[1] ?? '', (_, value) => texts.push(value))
        assert.ok(texts.includes(text))
      })
    }
  }

  it('has only what is urgent enough', async () => {
    const lines = await linesOf('alice', { minSeverity: 'warning' })
    assert.deepEqual(
      lines.map(line => JSON.parse(line).type),
      ['confirmation.refused', 'token.replayed'],
    )
    assert.equal((await linesOf('alice', { minSeverity: 'alert' })).length, 1)
  })

  it('writes to a stream as fast as it takes it', async () => {
    const { stream, chunks, take } = slowStream()
    const sink = jsonLines({ stream })
    const given = await entries()
    let isWritten = false
    const first = sink.write(given.slice(0, 2), never).then(() => {
      isWritten = true
    })
    const second = sink.write(given.slice(2), never)
    await new Promise(setImmediate)
    assert.deepEqual([chunks.length, isWritten], [1, false])
    take()
    await first
    await new Promise(setImmediate)
    take()
    await second
    assert.deepEqual(
      chunks
        .join('')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).seq),
      [1, 2, 3, 4],
    )
  })

  it('CS-L2: what is tried again because the stream was slow is written once', async () => {
    const { stream, take, lines } = slowStream()
    const sink = jsonLines({ stream })
    const given = await entries()
    for (let n = 0; n < 3; n += 1) {
      const abort = new AbortController()
      const written = sink.write(given, abort.signal)
      await new Promise(setImmediate)
      abort.abort()
      await assert.rejects(written)
    }
    const written = sink.write(given, never)
    take()
    await written
    assert.equal(lines().length, 5)
  })

  it('CS-L2: a stream that breaks is a sink that fails, at once and every time, and ends nothing', async () => {
    for (const autoDestroy of [true, false]) {
      const stream = new Writable({ autoDestroy, write: (_, __, done) => done(new Error('No space left on device.')) })
      const sink = jsonLines({ stream })
      const given = await entries()
      await assert.rejects(sink.write(given, never), /No space left/)
      await assert.rejects(sink.write(given, never), /has failed or was closed/)
      await sink.close?.()
    }
  })

  it('a function that fails gets the rest again, and nothing twice', async () => {
    const lines: string[] = []
    let isBroken = true
    const sink = jsonLines({
      write: async line => {
        if (isBroken && lines.length === 2) throw new Error('No.')
        lines.push(line)
      },
    })
    const given = await entries()
    await assert.rejects(sink.write(given, never))
    isBroken = false
    await sink.write(given, never)
    assert.deepEqual(
      lines.map(line => JSON.parse(line).seq),
      [1, 2, 3, 4],
    )
  })

  it('close waits for what is under way', async () => {
    const { stream, take } = slowStream()
    const sink = jsonLines({ stream })
    const written = sink.write(await entries(), never)
    let isClosed = false
    const closed = sink.close?.().then(() => {
      isClosed = true
    })
    await new Promise(setImmediate)
    assert.equal(isClosed, false)
    take()
    await Promise.all([written, closed])
  })

  it('refuses options that there are not', () => {
    const wrong = { name: 'UsageError' }
    assert.throws(() => jsonLines({}), wrong)
    assert.throws(() => jsonLines({ write: () => {}, stream: new PassThrough() }), wrong)
    assert.throws(() => jsonLines({ write: () => {}, format: 'xml' as 'ecs' }), wrong)
    assert.throws(() => logger(pino({ enabled: false }), { minSeverity: 'debug' as 'info' }), wrong)
  })
})

describe('a logger', () => {
  function pinoLines() {
    const lines: string[] = []
    const target = pino({ base: null }, { write: (line: string) => lines.push(line) })
    return { lines, target }
  }

  it('ASVS 16.2.4: pino gets the entry as fields, and how urgent it is as the level', async () => {
    const { lines, target } = pinoLines()
    const given = await entries()
    await logger(target).write(given, never)
    const logged = lines.map(line => JSON.parse(line))
    assert.deepEqual(
      logged.map(({ level, msg, seq }) => [level, msg, seq]),
      [
        [30, 'trail.opened', 1],
        [30, 'session.signed-in', 2],
        [40, 'confirmation.refused', 3],
        [50, 'token.replayed', 4],
      ],
    )
    assert.equal(logged[3].userId, 'alice')
  })

  for (const [name, text] of Object.entries(hostileTexts)) {
    it(`ASVS 16.4.1: ${name} reaches no line as it is, whatever prints it`, async () => {
      const { lines, target } = pinoLines()
      const printed: string[] = []
      const print = (fields: object) => printed.push(Object.values(fields).map(String).join(' '))
      const given = await entries(text)
      await logger(target).write(given, never)
      await logger({ info: print, warn: print, error: print }, { format: 'latchkey' }).write(given, never)
      for (const line of [...lines.map(line => line.trimEnd()), ...printed]) assert.doesNotMatch(line, unseenCharacters)
    })
  }

  it('one that throws is a sink that fails', async () => {
    const broken = () => {
      throw new Error('No.')
    }
    const given = await entries()
    await assert.rejects(logger({ info: broken, warn: broken, error: broken }).write(given, never), /No/)
  })
})

describe('OpenTelemetry', () => {
  function telemetry() {
    const exporter = new InMemoryLogRecordExporter()
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
    const target: TelemetryLogger = provider.getLogger('latchkey')
    return { target, records: () => exporter.getFinishedLogRecords() }
  }

  it('ASVS 16.2.4: a record has the instant, the severity, and attributes by their conventional names', async () => {
    const { target, records } = telemetry()
    const given = await entries()
    await openTelemetryLogs(target).write(given, never)
    const [, signedIn, , replayed] = records()
    assert.deepEqual(signedIn?.hrTime, [Date.UTC(2030, 0, 1) / 1_000, 0])
    assert.equal(signedIn?.eventName, 'latchkey.session.signed-in')
    assert.deepEqual(
      [replayed?.severityNumber, replayed?.severityText, replayed?.body],
      [17, 'ERROR', 'token.replayed'],
    )
    assert.deepEqual(signedIn?.attributes, {
      'latchkey.owasp': 'authn_login_success',
      'latchkey.chain': given[1]?.chain,
      'latchkey.seq': 2,
      'latchkey.mac': given[1]?.mac,
      'session.id': 'A'.repeat(22),
      'user.id': 'alice',
      'client.address': '192.0.2.1',
      'user_agent.original': 'alice',
      'latchkey.amr': ['pwd'],
      'latchkey.aal': 1,
    })
  })

  it('has the entry in another schema as its body', async () => {
    const { target, records } = telemetry()
    await openTelemetryLogs(target, { format: 'ocsf', minSeverity: 'alert' }).write(await entries(), never)
    const [record, ...others] = records()
    assert.equal(others.length, 0)
    assert.equal(Object(record?.body).class_uid, 2004)
  })
})
