import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { postgresSchema } from 'latchkey/stores/postgres'
import { describeWithPostgres } from '../servers/postgres.ts'

const root = join(import.meta.dirname, '../..')

/** Runs the command as a user would, in a process of its own. */
function migrate(args: string[], directory: string = root): Promise<{ code: number; out: string; error: string }> {
  const program = join(directory, 'src/cli/latchkey.ts')
  return new Promise(resolve => {
    execFile(process.execPath, ['--conditions=latchkey-source', program, 'migrate', ...args], (failure, out, error) =>
      resolve({ code: failure ? Number(failure.code) : 0, out, error }),
    )
  })
}

describe('latchkey migrate, without a server', () => {
  it('prints the SQL and connects to nothing', async () => {
    const { code, out } = await migrate(['--print'])
    assert.equal(code, 0)
    assert.equal(out, `${postgresSchema()}\n`)
    const other = await migrate(['postgres://nobody@127.0.0.1:1/x', '--print', '--table-prefix', 'x_', '--schema', 'S'])
    assert.equal(other.out, `${postgresSchema({ prefix: 'x_', schema: 'S' })}\n`)
  })

  it('exits 2 for what it does not understand, and repeats no URL', async () => {
    for (const args of [
      [],
      ['mysql://a:hunter2@b'],
      ['--nope'],
      ['postgres://a:hunter2@b/c', 'more'],
      ['--print', '--table-prefix', 'A-b'],
    ]) {
      const { code, error } = await migrate(args)
      assert.equal(code, 2, args.join(' '))
      assert.match(error, /latchkey migrate/)
      assert.doesNotMatch(error, /hunter2/)
    }
  })

  it('exits 1 when the server cannot be reached', async () => {
    const { code, error } = await migrate(['postgres://a:hunter2@127.0.0.1:1/x'])
    assert.equal(code, 1)
    assert.match(error, /nothing listens there/)
    assert.doesNotMatch(error, /hunter2/)
  })

  it('says how to install the driver when it is missing', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'latchkey-migrate-'))
    try {
      cpSync(join(root, 'src'), join(elsewhere, 'src'), { recursive: true })
      mkdirSync(join(elsewhere, 'node_modules'))
      symlinkSync(join(root, 'node_modules/jose'), join(elsewhere, 'node_modules/jose'))
      const { code, error } = await migrate(['postgres://a@127.0.0.1:1/x'], elsewhere)
      assert.equal(code, 1)
      assert.match(error, /npm install pg/)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})

describeWithPostgres('latchkey migrate', server => {
  it('creates the tables, and has nothing to do the second time', async () => {
    const first = await migrate([server.url()])
    assert.deepEqual([first.code, first.out], [0, 'The tables are at version 2 now.\n'], first.error)
    const second = await migrate([server.url()])
    assert.deepEqual([second.code, second.out], [0, 'Nothing to do: the tables are at version 2.\n'])
    assert.equal((await migrate([server.url(), '--table-prefix', 'b_'])).code, 0)
    assert.equal((await server.sql('SELECT * FROM latchkey_records, b_records')).length, 0)
  })

  it('exits 1 and names what is wrong', async () => {
    const wrong = await migrate([server.url({ password: 'hunter2' })])
    assert.equal(wrong.code, 1)
    assert.match(wrong.error, /refuses the password/)
    await server.sql('CREATE TABLE x_records (id int)')
    const foreign = await migrate([server.url(), '--table-prefix', 'x_'])
    assert.equal(foreign.code, 1)
    assert.match(foreign.error, /of another program.*--table-prefix/)
  })
})
