import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { asset, page } from '../../src/console/page.ts'
import { filesIn } from '../../src/console/page-files.ts'
import { consoleApplications } from '../actors/console-applications.ts'
import { openConsole } from '../actors/console-scene.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; " +
  "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

const strict = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`the headers of a console on ${name}`, () => {
    test('every answer has the strict ones, and none is stored: pages, lists, refusals and redirects', async t => {
      const scene = await openConsole(t, start)
      const [admin, visitor] = [await scene.admin(), scene.client()]
      const answers = [
        await admin.get('/'),
        await admin.get(''),
        await admin.get('/api/overview'),
        await admin.get('/api/nothing'),
        await admin.get('/api/series'),
        await admin.post('/api/session/end', {}),
        await visitor.get('/'),
        await visitor.get('/api/overview'),
      ]
      for (const { status, headers } of answers) {
        for (const [header, value] of Object.entries(strict))
          assert.equal(headers[header], value, `${status} ${header}`)
        assert.match(String(headers['cache-control']), /\bno-store\b/, String(status))
      }
    })

    test('the mount itself leads to the page, whose addresses are relative', async t => {
      const scene = await openConsole(t, start)
      const { status, headers } = await (await scene.admin()).get('')
      assert.deepEqual([status, headers.location], [308, '/console/'])
    })

    test('JSON is sent as JSON', async t => {
      const scene = await openConsole(t, start)
      const { headers } = await (await scene.admin()).get('/api/overview')
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    })

    test('a dead store is no page and no list', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      scene.store.disturb(() => Promise.reject(new Error('down')))
      const answer = await admin.get('/api/overview')
      assert.deepEqual([answer.status, JSON.parse(answer.body).code], [503, 'store'])
      assert.equal((await admin.get('/')).status, 503)
      scene.store.heal()
    })
  })
}

describe('the files of the page', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-console-'))
  mkdirSync(join(directory, 'assets'))
  writeFileSync(join(directory, 'index.html'), '<!doctype html>')
  writeFileSync(join(directory, 'assets', 'index-BxKq.js'), 'let a')
  writeFileSync(join(directory, 'mark.svg'), '<svg/>')
  writeFileSync(join(directory, 'secret.txt'), 'none of ours')
  const files = filesIn(pathToFileURL(`${directory}/`))
  rmSync(directory, { recursive: true })

  test('what has a hash in its name is kept for ever, everything else is asked for again', () => {
    assert.equal(asset('assets/index-BxKq.js', files)?.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(asset('assets/index-BxKq.js', files)?.headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(asset('mark.svg', files)?.headers['cache-control'], 'no-cache')
    assert.equal(page(files).headers['content-type'], 'text/html; charset=utf-8')
  })

  test('only files of the page can be had, by exactly their names, and the page itself not as a file', () => {
    for (const name of [
      'index.html',
      'secret.txt',
      '../package.json',
      'assets/../index.html',
      'assets',
      '',
      '__proto__',
    ])
      assert.equal(asset(name, files), null, name)
  })

  test('without a build the page says how to make one', () => {
    const answer = page(new Map())
    assert.equal(answer.status, 503)
    assert.match(String(answer.body), /npm run build/)
  })
})
