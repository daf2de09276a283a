import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { presets } from 'latchkey'
import { parseSync, Visitor } from 'oxc-parser'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** Where the options are declared, and what stands before their names on the page. */
const sources: [file: string, interfaces: RegExp, prefix: string][] = [
  ['src/http/sessions.ts', /^SessionsOptions$/, ''],
  ['src/http/sessions.ts', /^CsrfOptions$/, 'csrf.'],
  ['src/session/policy.ts', /^PolicyOptions$/, 'policy.'],
  ['src/http/set-cookie.ts', /^Cookie(Identity|Scope|Site)$/, 'cookie.'],
]

/** The properties of types, nested ones left aside. */
function propertiesOf(file: string, types: RegExp): string[] {
  const names = new Set<string>()
  let inside = false
  let depth = 0
  new Visitor({
    TSInterfaceDeclaration: node => (inside = types.test(node.id.name)),
    TSTypeAliasDeclaration: node => (inside = types.test(node.id.name)),
    'TSInterfaceDeclaration:exit': () => (inside = false),
    'TSTypeAliasDeclaration:exit': () => (inside = false),
    TSPropertySignature: node => {
      if (inside && depth === 0 && node.key.type === 'Identifier') names.add(node.key.name)
      depth += 1
    },
    'TSPropertySignature:exit': () => (depth -= 1),
  }).visit(parseSync(file, read(file)).program)
  return [...names]
}

it('the page of options names every option there is, and no other', () => {
  const declared = sources.flatMap(([file, types, prefix]) => propertiesOf(file, types).map(name => prefix + name))
  const own = declared.filter(name => name !== 'cookie.insecureHttp') // one option, outside of `cookie`
  const named = [...read('docs/configuration.md').matchAll(/^\| `([a-zA-Z.]+)` \|/gm)].map(([, name]) => name)
  const refusals = ['insecureHttp'] // named again in the table of what production refuses
  assert.deepEqual(new Set(named), new Set([...own, ...refusals]))
  assert.ok(own.length >= 28, 'the options are not read as they should be')
})

it('the page of the policy has the presets with their numbers and sources', () => {
  const page = read('docs/policy.md')
  for (const [name, { idleTimeout, absoluteTimeout, source }] of Object.entries(presets))
    assert.ok(page.includes(`| \`${name}\` | ${idleTimeout} | ${absoluteTimeout} | ${source} |`), name)
})
