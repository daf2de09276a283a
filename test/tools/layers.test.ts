import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { exportViolations } from '../../tools/exports.ts'
import { layerViolations } from '../../tools/layers.ts'

const root = join(import.meta.dirname, '../..')
const temporary = mkdtempSync(join(tmpdir(), 'latchkey-layers-'))
after(() => rmSync(temporary, { recursive: true }))

const mirrored = (path: string) => ({
  'latchkey-source': `./src/${path}.ts`,
  types: `./dist/${path}.d.ts`,
  default: `./dist/${path}.js`,
})
const manifest = {
  name: 'latchkey',
  exports: {
    '.': mirrored('index'),
    './stores/memory': mirrored('stores/memory'),
    './stores/file': mirrored('stores/file'),
    './testing': mirrored('testing/index'),
    './package.json': './package.json',
  },
  bin: { latchkey: './dist/cli/latchkey.js' },
  dependencies: { jose: '^6', '@scope/needed': '^1' },
  peerDependencies: { express: '>=5', otpauth: '^9' },
}

/** A small tree that breaks no rule; each test changes one thing. */
const clean: Record<string, string> = {
  'package.json': JSON.stringify(manifest, null, 2),
  'src/index.ts': `export * from './session/session.ts'\nexport type { A } from './errors.ts'\n`,
  'src/errors.ts': 'export type A = string\n',
  'src/session/session.ts': `import { hash } from 'node:crypto'\nimport type { A } from '../errors.ts'\nexport const s: A = hash('sha1', 's')\n`,
  'src/session/events.ts': 'export const e = 1\n',
  'src/http/cookie.ts': `import { s } from '../session/session.ts'\nexport const c: string = s\n`,
  'src/databases/text.ts': `import type { A } from '../errors.ts'\nexport const t: A = 'text'\n`,
  'src/stores/memory.ts': `import type { s } from '../session/session.ts'\nimport './memory/ring.ts'\nimport { x } from './journal.ts'\nexport const m: typeof s = x\n`,
  'src/stores/memory/ring.ts': `import '../journal.ts'\n`,
  'src/stores/file.ts': `import { readFileSync } from 'node:fs'\nimport { t } from '../databases/text.ts'\nexport const f = (): string => t + readFileSync('f', 'utf8')\n`,
  'src/stores/journal.ts': `export const x = 'shared by stores, no entry in exports'\n`,
  'src/adapters/express.ts': `import type { Request } from 'express'\nimport { c } from '../http/cookie.ts'\nexport const a = (_: Request): string => c\n`,
  'src/testing/index.ts': `export * from './clock.ts'\n`,
  'src/testing/clock.ts': `import { c } from '../http/cookie.ts'\nexport const clock: string = c\n`,
  'src/mfa/totp.ts': `export const load = (): Promise<typeof import('otpauth')> => import('otpauth')\n`,
  'src/watch/audit.ts': `import { e } from '../session/events.ts'\nexport const w: number = e\n`,
  'src/cli/latchkey.ts': `#!/usr/bin/env node\nimport { s } from '../index.ts'\nimport { keygen } from './keygen.ts'\nconsole.log(s, keygen)\n`,
  'src/cli/keygen.ts': `import { m } from '../stores/memory.ts'\nimport * as jose from 'jose'\nexport const keygen = [m, jose]\n`,
  'app/main.ts': `import { s } from 'latchkey'\nimport { page } from './page.ts'\nconsole.log(s, page)\n`,
  'app/page.ts': `// import { x } from '../src/errors.ts' in a comment\nexport const page = "import '../src/errors.ts'"\n`,
  'examples/express.ts': `import 'latchkey'\n`,
}

/** Writes the clean tree with some files changed, and returns where it is. */
function tree(changes: Record<string, string>): string {
  const at = mkdtempSync(join(temporary, 'tree-'))
  for (const [file, text] of Object.entries({ ...clean, ...changes })) {
    mkdirSync(dirname(join(at, file)), { recursive: true })
    writeFileSync(join(at, file), text)
  }
  return at
}

const layerTable: [name: string, changes: Record<string, string>, expected: string][] = [
  [
    'errors imports nothing',
    { 'src/errors.ts': `\nimport './session/events.ts'` },
    'src/errors.ts:2  errors may import nothing',
  ],
  [
    'errors imports no module of Node',
    { 'src/errors.ts': `import 'node:util'` },
    'src/errors.ts:1  errors may not import node:util',
  ],
  [
    'session does not know http',
    { 'src/session/events.ts': `import '../http/x.ts'` },
    'src/session/events.ts:1  session may import errors;',
  ],
  [
    'a type-only import counts, too',
    { 'src/session/events.ts': `import type { X } from '../http/x.ts'` },
    'src/session/events.ts:1  session may import errors;',
  ],
  [
    'a type in import() counts, too',
    { 'src/session/events.ts': `type X = import('../http/x.ts').X` },
    'src/session/events.ts:1  session may import errors;',
  ],
  [
    'a re-export counts, too',
    { 'src/session/events.ts': `export * from '../http/x.ts'` },
    'src/session/events.ts:1  session may import errors;',
  ],
  [
    'a named re-export counts, too',
    { 'src/session/events.ts': `export { x } from '../http/x.ts'` },
    'src/session/events.ts:1  session may import errors;',
  ],
  [
    'a dynamic import counts, too',
    { 'src/session/events.ts': `\nawait import('../http/x.ts')` },
    'src/session/events.ts:2  session may import errors;',
  ],
  [
    'session does no input and output',
    { 'src/session/events.ts': `import 'node:http'` },
    'src/session/events.ts:1  session may not import node:http',
  ],
  [
    'session does not read files',
    { 'src/session/events.ts': `import 'node:fs/promises'` },
    'src/session/events.ts:1  session may not import node:fs/promises',
  ],
  [
    'http does not know stores',
    { 'src/http/x.ts': `import '../stores/memory.ts'` },
    'src/http/x.ts:1  http may import session, errors;',
  ],
  [
    'a store imports no value of session',
    { 'src/stores/file.ts': `import { e } from '../session/events.ts'` },
    'src/stores/file.ts:1  stores may import only types of src/session/events.ts',
  ],
  [
    '`import { type X }` loads the module',
    { 'src/stores/file.ts': `import { type e } from '../session/events.ts'` },
    'src/stores/file.ts:1  stores may import only types of src/session/events.ts',
  ],
  [
    'a store does not import another',
    { 'src/stores/file.ts': `import './memory.ts'` },
    'src/stores/file.ts:1  stores/file and stores/memory are alternatives',
  ],
  [
    'a store does not import what is inside another',
    { 'src/stores/memory/ring.ts': '', 'src/stores/file/x.ts': `import '../memory/ring.ts'` },
    'src/stores/file/x.ts:1  stores/file and stores/memory are alternatives',
  ],
  [
    'what opens databases knows nobody who uses them',
    { 'src/databases/names.ts': `import type { s } from '../session/session.ts'` },
    'src/databases/names.ts:1  databases may import errors;',
  ],
  [
    'a store imports no driver',
    { 'src/stores/file.ts': `import type pg from 'pg'` },
    'src/stores/file.ts:1  stores may not import pg',
  ],
  [
    'a store imports no type of a peer',
    { 'src/stores/file.ts': `import type e from 'express'` },
    'src/stores/file.ts:1  stores may not import express',
  ],
  [
    'an adapter imports only types of its framework',
    { 'src/adapters/express.ts': `import express from 'express'` },
    'src/adapters/express.ts:1  express is an optional peer',
  ],
  [
    'a second factor loads its library only when it is needed',
    { 'src/mfa/totp.ts': `import { TOTP } from 'otpauth'` },
    'src/mfa/totp.ts:1  otpauth is an optional peer, which may be missing',
  ],
  [
    'a second factor needs no other library',
    { 'src/mfa/totp.ts': `const it = import('left-pad')` },
    'src/mfa/totp.ts:1  mfa may not import left-pad',
  ],
  [
    'a store loads no peer on demand either',
    { 'src/stores/file.ts': `const it = import('otpauth')` },
    'src/stores/file.ts:1  stores may not import otpauth',
  ],
  [
    'an adapter does not know stores',
    { 'src/adapters/express.ts': `import '../stores/file.ts'` },
    'src/adapters/express.ts:1  adapters may import http, session, errors;',
  ],
  [
    'testing does not know adapters',
    { 'src/testing/clock.ts': `import '../adapters/express.ts'` },
    'src/testing/clock.ts:1  testing may import session, http, errors, types of mfa, types of watch;',
  ],
  [
    'watch knows no store of sessions',
    { 'src/watch/audit.ts': `import '../stores/memory.ts'` },
    'src/watch/audit.ts:1  watch may import session, http, databases, errors;',
  ],
  [
    'scenarios know nothing of the library',
    { 'src/scenarios/x.ts': `import '../errors.ts'` },
    'src/scenarios/x.ts:1  scenarios may import nothing;',
  ],
  [
    'cli does not reach into the insides of a store',
    { 'src/cli/keygen.ts': `import '../stores/sqlite/open.ts'`, 'src/stores/sqlite/open.ts': '' },
    'src/cli/keygen.ts:1  cli may import public, session, http, errors, watch/plain-text;',
  ],
  ['nobody imports cli', { 'src/http/x.ts': `import '../cli/keygen.ts'` }, 'src/http/x.ts:1  nobody imports cli'],
  [
    'src imports only required dependencies',
    { 'src/http/x.ts': `import '@scope/other/deep'` },
    'src/http/x.ts:1  http may not import @scope/other,',
  ],
  [
    'src does not import itself by name',
    { 'src/http/x.ts': `import 'latchkey/testing'` },
    'src/http/x.ts:1  src does not import itself by its name',
  ],
  [
    'src does not leave src',
    { 'src/http/x.ts': `import '../../app/page.ts'` },
    'src/http/x.ts:1  src is published without app/page.ts',
  ],
  ['a new layer needs a row', { 'src/magic/x.ts': '' }, 'src/magic/x.ts:1  every file of src belongs to a layer'],
  [
    'index re-exports only: a statement',
    { 'src/index.ts': `export * from './errors.ts'\nexport const own = 1` },
    'src/index.ts:2  an index only re-exports',
  ],
  [
    'index re-exports only: an import',
    { 'src/testing/index.ts': `import './clock.ts'` },
    'src/testing/index.ts:1  an index only re-exports',
  ],
  [
    'index does not drag in stores',
    { 'src/index.ts': `export * from './stores/file.ts'` },
    'src/index.ts:1  index may import errors, session, http;',
  ],
  [
    'app sees exports only',
    { 'app/page.ts': `import '../src/errors.ts'` },
    'app/page.ts:1  app uses the package like any user, not src/errors.ts',
  ],
  [
    'examples see exports only',
    { 'examples/deep/x.ts': `import '../../src/errors.ts'` },
    'examples/deep/x.ts:1  examples uses the package like any user',
  ],
  [
    'a circle',
    {
      'src/http/x.ts': `import './y.ts'`,
      'src/http/y.ts': `import './z.ts'`,
      'src/http/z.ts': `\nimport type { X } from './x.ts'`,
    },
    'src/http/z.ts:2  a circle: src/http/x.ts → src/http/y.ts → src/http/z.ts → src/http/x.ts',
  ],
  [
    'a module that imports itself',
    { 'src/http/x.ts': `import './x.ts'` },
    'src/http/x.ts:1  a circle: src/http/x.ts → src/http/x.ts',
  ],
  ...['utils', 'util', 'helpers', 'common', 'types'].flatMap(name =>
    ['src/http', 'app', 'test', 'tools'].map((folder): [string, Record<string, string>, string] => [
      `${folder}/${name}.ts is no name`,
      { [`${folder}/${name}.ts`]: '' },
      `${folder}/${name}.ts:1  a file is named after its subject`,
    ]),
  ),
  ['a folder is named after its subject, too', { 'app/helpers/page.ts': '' }, 'app/helpers/page.ts:1  a file is named'],
]

for (const [name, changes, expected] of layerTable) {
  test(`layers: ${name}`, () => {
    const [found, ...others] = layerViolations(tree(changes)).map(v => `${v.file}:${v.line}  ${v.rule}`)
    assert.ok(found?.startsWith(expected), `expected ${expected}\ngot ${found}`)
    assert.deepEqual(others, [])
  })
}

const withManifest = (change: object) => ({ 'package.json': JSON.stringify({ ...manifest, ...change }, null, 2) })
const { '.': front, ...rest } = manifest.exports

const exportsTable: [name: string, changes: Record<string, string>, expected: string][] = [
  [
    'an entry without a file',
    withManifest({ exports: { ...rest, './stores/redis': mirrored('stores/redis') } }),
    'the export ./stores/redis has no file',
  ],
  [
    'an entry that leads elsewhere',
    withManifest({ exports: { ...rest, '.': mirrored('errors') } }),
    'the export . does not mirror src/index.ts',
  ],
  [
    'an entry without types',
    withManifest({ exports: { ...rest, '.': { default: front.default } } }),
    'the export . does not mirror src/index.ts',
  ],
  [
    'conditions in an order that hides one',
    withManifest({ exports: { ...rest, '.': Object.fromEntries(Object.entries(front).reverse()) } }),
    'the export . does not mirror src/index.ts',
  ],
  [
    'a command without a file',
    withManifest({ bin: { latchkey: './dist/latchkey.js' } }),
    'the command latchkey has no file',
  ],
  ['a command without its first line', { 'src/cli/latchkey.ts': '' }, 'the command latchkey cannot start'],
]

for (const [name, changes, expected] of exportsTable) {
  test(`exports: ${name}`, () => {
    const violations = exportViolations(tree(changes))
    assert.deepEqual(
      violations.map(violation => violation.rule),
      [expected],
    )
    assert.ok(violations[0] && violations[0].line > 1, 'the violation names its line in package.json')
  })
}

test('a tree that breaks no rule has no violation', () => {
  assert.deepEqual(layerViolations(tree({})), [])
  assert.deepEqual(exportViolations(tree({})), [])
})

test('this repository breaks no rule', () => {
  assert.deepEqual(layerViolations(root), [])
  assert.deepEqual(exportViolations(root), [])
})
