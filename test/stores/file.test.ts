import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, mock, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { UsageError } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { encodeRecord, nameOf } from '../../src/stores/file/document.ts'
import { fileOf, filesEnding, newDirectory, put, withStore } from './file/session-directory.ts'

const corrupt = { code: 'corrupt-record' }

describe('file store: what is on the disk', () => {
  test('every file is 0600 in a directory of 0700, whatever the umask', async () => {
    const umask = process.umask(0)
    try {
      const directory = join(newDirectory(), 'made', 'on the way')
      await withStore(directory, async store => {
        const record = await put(store)
        await put(store)
        await store.end(record.sid, sampleMark())
        await store.endUser('alice', sampleMark())
        assert.ok(filesEnding(directory, '.intent').length > 0)
        for (const file of readdirSync(directory))
          assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file)
      })
      for (const made of [directory, join(directory, '..')]) assert.equal(statSync(made).mode & 0o777, 0o700)
      for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file)
    } finally {
      process.umask(umask)
    }
  })

  test('one file per session, named by the sid in hex, gone when the session is swept', async () => {
    const directory = newDirectory()
    await withStore(directory, async store => {
      const records = [await put(store), await put(store), await put(store, { userId: null })]
      const names = records.map(({ sid }) => `${Buffer.from(sid).toString('hex')}.json`)
      assert.deepEqual(
        filesEnding(directory, '.json')
          .filter(file => file !== 'lock-owner.json')
          .sort(),
        names.sort(),
      )
      assert.equal((await store.sweep(Number.MAX_SAFE_INTEGER, 10)).length, 3)
      assert.deepEqual(filesEnding(directory, '.json'), ['lock-owner.json'])
    })
  })

  test('CS-S3: no sid leads out of the directory or to another file in it', async () => {
    const outside = newDirectory()
    const directory = join(outside, 'sessions')
    await withStore(directory, async store => {
      for (const sid of [
        '../escaped',
        '..',
        '.',
        '/etc/passwd',
        'lock',
        'a\0b',
        'x'.repeat(10_000),
        'CON',
        '\ud800',
        '\ud801',
      ]) {
        const record = await put(store, { sid })
        assert.deepEqual(await store.read(sid), record)
        assert.ok(existsSync(fileOf(directory, record)))
      }
      assert.deepEqual(readdirSync(outside), ['sessions'])
    })
  })

  test('a directory that others may write into is refused, and the message has the command that helps', async () => {
    for (const mode of [0o770, 0o707, 0o1777]) {
      const directory = newDirectory()
      mkdirSync(directory)
      chmodSync(directory, mode)
      const refused = (error: unknown) =>
        error instanceof UsageError && error.message.includes(`chmod 700 '${directory}'`)
      await withStore(directory, store => assert.rejects(store.ping(), refused))
    }
    assert.throws(() => fileStore(''), UsageError)
  })

  test('files of others in the directory are left alone', async () => {
    const directory = newDirectory()
    mkdirSync(directory, { mode: 0o700 })
    const foreign = ['README', '.gitkeep', 'a.json', 'b.corrupt', 'x.tmp', `${'0'.repeat(43)}.json`]
    for (const file of foreign) writeFileSync(join(directory, file), 'foreign')
    await withStore(directory, store => put(store))
    for (const file of foreign) assert.equal(readFileSync(join(directory, file), 'utf8'), 'foreign')
  })
})

/** Ways in which the file of `victim` (version 2) can be damaged; `other` is a record that lives next to it. */
type Damage = (paths: { victim: string; other: string; older: string }) => void
const damages: Record<string, Damage> = {
  empty: ({ victim }) => writeFileSync(victim, ''),
  'cut short': ({ victim }) => writeFileSync(victim, readFileSync(victim).subarray(0, -20)),
  'zeros, as a file system may leave after a power cut': ({ victim }) =>
    writeFileSync(victim, Buffer.alloc(readFileSync(victim).length)),
  'binary rubbish': ({ victim }) => writeFileSync(victim, Buffer.from([0xff, 0xfe, 0, 0x80])),
  'foreign JSON': ({ victim }) => writeFileSync(victim, '{"cookie":{"maxAge":1}}'),
  'another user written into it': ({ victim }) =>
    writeFileSync(victim, readFileSync(victim, 'utf8').replace('"alice"', '"admin"')),
  'a later expiry written into it': ({ victim }) =>
    writeFileSync(victim, readFileSync(victim, 'utf8').replace(/"expiresAt":\d/, '"expiresAt":9')),
  'the file of another session copied over it': ({ victim, other }) => copyFileSync(other, victim),
}
/** Seen only by a store that is open: it knows what it wrote. */
const damagesWhileOpen: Record<string, Damage> = {
  ...damages,
  'an older version put back': ({ victim, older }) => copyFileSync(older, victim),
}
/** What an open store reports as an outage, because the file may be readable again. */
const damagesBefore: Record<string, Damage> = {
  ...damages,
  'a directory in its place': ({ victim }) => {
    rmSync(victim)
    mkdirSync(victim)
  },
}

describe('file store: damaged records', () => {
  async function damaged(directory: string, damage: Damage, close: boolean) {
    const store = fileStore(directory)
    const record = await put(store)
    const other = await put(store, { userId: 'bob' })
    const older = join(newDirectory())
    copyFileSync(fileOf(directory, record), older)
    await store.save({ ...record, version: 2 }, { durable: true })
    if (close) await store.close()
    damage({ victim: fileOf(directory, record), other: fileOf(directory, other), older })
    return { record, other, store: close ? fileStore(directory) : store }
  }

  for (const [when, kinds] of [
    ['while open', damagesWhileOpen],
    ['before opening', damagesBefore],
  ] as const) {
    for (const [kind, damage] of Object.entries(kinds)) {
      test(`${when}: ${kind}: refused as corrupt, kept aside, and nobody else is concerned`, async () => {
        const directory = newDirectory()
        const { store, record, other } = await damaged(directory, damage, when === 'before opening')
        const bytes = statSync(fileOf(directory, record)).isFile() ? readFileSync(fileOf(directory, record)) : null

        await assert.rejects(async () => store.read(record.sid), corrupt)
        await assert.rejects(async () => store.read(record.sid), corrupt, 'a second time')
        const [aside = 'nothing'] = filesEnding(directory, '.corrupt')
        assert.ok(aside.startsWith(nameOf(record.sid)), `${aside} was put aside`)
        if (bytes) assert.deepEqual(readFileSync(join(directory, aside)), bytes)

        assert.equal(await store.save({ ...record, version: 3 }, { durable: true }), 'gone')
        await store.touch(record.sid, record.lastSeenAt + 1, record.expiresAt + 1)
        assert.equal(await store.end(record.sid, sampleMark()), null)
        assert.deepEqual(await store.create(record, { now: 0 }), { outcome: 'exists' }, 'the name is not used again')
        assert.deepEqual(await store.list('alice'), [])
        assert.deepEqual(await store.endUser('alice', sampleMark()), [])
        assert.deepEqual(await store.read(other.sid), other)
        assert.deepEqual(await store.list('bob'), [other])
        await store.close()

        await withStore(directory, async again => {
          await assert.rejects(async () => again.read(record.sid), corrupt, 'opened again')
          assert.deepEqual(filesEnding(directory, '.corrupt'), [aside])
          rmSync(join(directory, aside), { recursive: true })
          assert.equal(
            await again.read(record.sid),
            null,
            'once the operator has deleted it the session is simply gone',
          )
          assert.equal((await again.create(record, { now: 0 })).outcome, 'created')
        })
      })
    }
  }

  test('whoever meets it first: list, end, endUser, a limit and sweep pass over it and put it aside', async () => {
    const meetings: Record<string, (store: ReturnType<typeof fileStore>, sid: string) => Promise<unknown>> = {
      list: async store => assert.deepEqual(await store.list('alice'), []),
      end: async (store, sid) => assert.equal(await store.end(sid, sampleMark()), null),
      endUser: async store => assert.deepEqual(await store.endUser('alice', sampleMark()), []),
      create: async store => {
        const limit = { max: 1, evict: sampleMark() }
        assert.deepEqual(await store.create(sampleRecord(), { now: 0, limit }), { outcome: 'created', evicted: [] })
      },
      sweep: async store => assert.equal((await store.sweep(Number.MAX_SAFE_INTEGER, 10)).length, 1),
    }
    for (const [meeting, meet] of Object.entries(meetings)) {
      const directory = newDirectory()
      const { store, record } = await damaged(directory, ({ victim }) => writeFileSync(victim, ''), false)
      await meet(store, record.sid)
      assert.equal(filesEnding(directory, '.corrupt').length, 1, meeting)
      await assert.rejects(async () => store.read(record.sid), corrupt)
      await store.close()
    }
  })

  test('a record that cannot be read is an outage for its reader, and put aside by a sweep rather than stopping it', async () => {
    const directory = newDirectory()
    const { store, record, other } = await damaged(
      directory,
      damagesBefore['a directory in its place'] ?? assert.fail(),
      false,
    )
    await assert.rejects(async () => store.read(record.sid), { code: 'EISDIR' })
    assert.deepEqual(filesEnding(directory, '.corrupt'), [])
    assert.deepEqual(await store.sweep(Number.MAX_SAFE_INTEGER, 10), [other])
    assert.equal(filesEnding(directory, '.corrupt').length, 1)
    await store.close()
  })

  test('a file of a later version of Latchkey stops the opening and stays as it is', async () => {
    const directory = newDirectory()
    const record = await withStore(directory, store => put(store))
    const later = `{"format":2,"crc32":${crc32('{}', 2)},"content":{}}`
    writeFileSync(fileOf(directory, record), later)
    await withStore(directory, store => assert.rejects(store.ping(), /newer version/))
    assert.equal(readFileSync(fileOf(directory, record), 'utf8'), later)
  })

  test('a damaged intent stops the opening: who was ended cannot be told', async () => {
    const directory = newDirectory()
    await withStore(directory, store => put(store))
    const intent = '0f1e2d3c-0000-4000-8000-000000000000.intent'
    writeFileSync(join(directory, intent), '{"format":1')
    await withStore(directory, async store => {
      await assert.rejects(store.list('alice'), error => error instanceof Error && error.message.includes(intent))
      rmSync(join(directory, intent))
      assert.equal((await store.list('alice')).length, 1, 'the same store opens once it is gone')
    })
  })
})

describe('file store: an operator at work', () => {
  test('a session whose file is deleted is gone, for everything', async () => {
    const directory = newDirectory()
    await withStore(directory, async store => {
      const putAndDelete = async () => {
        const record = await put(store)
        rmSync(fileOf(directory, record))
        return record
      }
      const [read, ended, saved, touched] = [
        await putAndDelete(),
        await putAndDelete(),
        await putAndDelete(),
        await putAndDelete(),
      ]
      assert.equal(await store.read(read.sid), null)
      assert.equal(await store.end(ended.sid, sampleMark()), null)
      assert.equal(await store.save({ ...saved, version: 2 }, { durable: false }), 'gone')
      await store.touch(touched.sid, touched.lastSeenAt + 1, touched.expiresAt + 1)
      assert.deepEqual(await store.list('alice'), [])
      await putAndDelete()
      assert.deepEqual(await store.endUser('alice', sampleMark()), [])
      await putAndDelete()
      assert.deepEqual(await store.sweep(Number.MAX_SAFE_INTEGER, 10), [])
      await store.close()
      assert.ok(!existsSync(fileOf(directory, saved)) && !existsSync(fileOf(directory, touched)))
    })
  })

  test('a file that is put there counts from the next opening: before, nothing could end it', async () => {
    const directory = newDirectory()
    const record = sampleRecord()
    await withStore(directory, async store => {
      await put(store)
      writeFileSync(fileOf(directory, record), encodeRecord(record))
      assert.equal(await store.read(record.sid), null)
    })
    await withStore(directory, async store => assert.deepEqual(await store.read(record.sid), record))
  })

  test('a directory that went away, or another in its place, is an outage and does not look signed out', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    const record = await put(store)
    renameSync(directory, `${directory} moved`)
    await assert.rejects(async () => store.read(record.sid), { code: 'ENOENT' })
    mkdirSync(directory)
    await assert.rejects(async () => store.read(record.sid), /was replaced/)
    await assert.rejects(store.ping(), /was replaced/)
    await assert.rejects(store.end(record.sid, sampleMark()), /was replaced/)
    rmSync(directory, { recursive: true })
    renameSync(`${directory} moved`, directory)
    assert.deepEqual(await store.read(record.sid), record)
    await store.close()
  })
})

describe('file store: one process', () => {
  const script = (directory: string, work: string) => [
    '--conditions=latchkey-source',
    '--input-type=module',
    '-e',
    `import { fileStore } from 'latchkey/stores/file'; const store = fileStore(${JSON.stringify(directory)}); ${work}`,
  ]

  test('a second process is refused, told which process has it and what to use instead, and disturbs nothing', async () => {
    const directory = newDirectory()
    await withStore(directory, async store => {
      const record = await put(store)
      const attempt = () =>
        execFileSync(
          process.execPath,
          script(directory, 'await store.ping().catch(error => console.log(error.message))'),
        )
      for (const message of [`${attempt()}`, `${attempt()}`]) {
        assert.match(message, new RegExp(`pid ${process.pid} on ${hostname()}`))
        assert.match(message, /latchkey\/stores\/sqlite/)
      }
      assert.deepEqual(await store.read(record.sid), record)
    })
  })

  test('a second store in the same process is refused until the first is closed', async () => {
    const directory = newDirectory()
    const [first, second] = [fileStore(directory), fileStore(directory)]
    const record = await put(first)
    await assert.rejects(async () => second.read(record.sid), /This process .* has the session directory/)
    await first.close()
    assert.deepEqual(await second.read(record.sid), record)
    await second.close()
  })

  test('the lock falls with its process at kill -9, and a living process that has its id now does not matter', async () => {
    const directory = newDirectory()
    const child = spawn(
      process.execPath,
      script(directory, "await store.ping(); console.log('open'); setInterval(() => {}, 1e9)"),
    )
    await new Promise(resolve => child.stdout.once('data', resolve))
    await withStore(directory, store => assert.rejects(store.ping(), new RegExp(`pid ${child.pid}`)))
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    writeFileSync(join(directory, 'lock-owner.json'), JSON.stringify({ pid: process.ppid, host: hostname() }))
    await withStore(directory, store => store.ping())
  })

  test('nothing works after close, and a store that was never used leaves no trace', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    await store.close()
    assert.ok(!existsSync(directory))
    await assert.rejects(store.ping(), UsageError)
    const used = fileStore(directory)
    await used.ping()
    await used.close()
    await assert.rejects(async () => used.read('x'), UsageError)
  })
})

describe('file store: touches', () => {
  test('are seen at once, written within a second, all in one go', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const directory = newDirectory()
      await withStore(directory, async store => {
        const record = await put(store)
        const before = readFileSync(fileOf(directory, record), 'utf8')
        for (let i = 1; i <= 100; i += 1) await store.touch(record.sid, record.lastSeenAt + i, record.expiresAt + i)
        assert.equal((await store.read(record.sid))?.lastSeenAt, record.lastSeenAt + 100)
        assert.equal(readFileSync(fileOf(directory, record), 'utf8'), before)
        mock.timers.tick(1_000)
        await new Promise(resolve => setImmediate(resolve))
        await put(store) // takes its turn after the touch, because it is the same user's
        assert.match(
          readFileSync(fileOf(directory, record), 'utf8'),
          new RegExp(`"lastSeenAt":${record.lastSeenAt + 100},`),
        )
      })
    } finally {
      mock.timers.reset()
    }
  })
})
