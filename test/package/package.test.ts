/**
 * The package as a stranger meets it: packed, linted, installed from the tarball into an empty project, and used the way
 * the README shows. Needs the npm registry (for Express and the type packages).
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { readmeExample } from './readme-example.ts'

const root = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const temporary = mkdtempSync(join(tmpdir(), 'latchkey-package-'))
const project = join(temporary, 'project')
let tarball = ''

// Run by `npm test`, these tests inherit settings of that npm, which would lead the inner npm to this repository.
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
}

function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}${stderr}${error ?? ''}`)
  return stdout
}

const install = (...packages: string[]) => run(project, 'npm', 'install', '--no-audit', '--no-fund', ...packages)

describe('the package', () => {
  before(() => {
    run(root, 'npm', 'pack', '--pack-destination', temporary)
    tarball = join(temporary, readdirSync(temporary).find(name => name.endsWith('.tgz')) ?? '')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    install(tarball)
  })

  after(() => rmSync(temporary, { recursive: true }))

  test('publint finds nothing to say about the tarball', async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    assert.deepEqual(
      messages.map(message => formatMessage(message, pkg, { color: false })),
      [],
    )
  })

  test('attw finds the types of every entry', () => {
    run(temporary, 'attw', '--profile', 'esm-only', '--no-color', tarball)
  })

  test('the tarball holds what runs and what source maps show, and nothing else', () => {
    const installed = join(project, 'node_modules/latchkey')
    assert.deepEqual(readdirSync(installed).sort(), ['LICENSE', 'README.md', 'dist', 'package.json', 'src'])
  })

  test('installing latchkey installs jose, and nothing else', () => {
    assert.deepEqual(
      readdirSync(join(project, 'node_modules')).filter(name => !name.startsWith('.')),
      ['jose', 'latchkey'],
    )
  })

  test('every entry can be imported where no framework is installed', () => {
    const entries = Object.keys(manifest.exports).filter(entry => entry !== './package.json')
    const imports = entries.map(entry => `await import(${JSON.stringify(entry.replace('.', 'latchkey'))})`)
    run(project, process.execPath, '--input-type=module', '--eval', imports.join('\n'))
  })

  test("the README's example compiles and answers in an empty project", async () => {
    const { express, '@types/express': expressTypes, '@types/node': nodeTypes } = manifest.devDependencies
    install(`express@${express}`, `@types/express@${expressTypes}`, `@types/node@${nodeTypes}`)
    writeFileSync(join(project, 'server.ts'), readmeExample(readFileSync(join(root, 'README.md'), 'utf8')))
    run(
      project,
      'tsc',
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--types',
      'node',
      'server.ts',
    )

    const port = await freePort()
    const server = spawn(process.execPath, ['server.ts'], {
      cwd: project,
      env: { ...env, PORT: String(port), SESSION_SECRET: run(project, 'npx', 'latchkey', 'keygen').trim() },
    })
    let output = ''
    for (const stream of [server.stdout, server.stderr])
      stream.setEncoding('utf8').on('data', text => {
        output += text
      })
    const exited = once(server, 'exit')
    try {
      const response = await answer(
        `http://localhost:${port}/dashboard`,
        () => server.exitCode === null,
        () => output,
      )
      assert.ok([303, 401].includes(response.status), `an anonymous visitor got ${response.status}\n${output}`)
    } finally {
      server.kill()
      await exited
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert.ok(address && typeof address === 'object')
  return address.port
}

/** Asks until the server listens; gives up when its process ends, or after 20 seconds. */
async function answer(url: string, alive: () => boolean, output: () => string): Promise<Response> {
  for (let tries = 0; tries < 200 && alive(); tries++) {
    try {
      return await fetch(url, { redirect: 'manual' })
    } catch {
      await delay(100)
    }
  }
  throw new Error(`the example does not answer at ${url}\n${output()}`)
}
