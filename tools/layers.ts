/**
 * Who may import whom. The table is the architecture; everything below it only reads the tree and compares.
 *
 * Type-only imports count like all others, except where the table says `types`: what a module needs to know to be
 * understood is a dependency, whether or not it is there at run time.
 */
import { globSync, readFileSync } from 'node:fs'
import { posix as path, sep } from 'node:path'
import { type Manifest, publicFiles, readManifest } from './exports.ts'
import { type Import, type Module, parseModule } from './imports.ts'
import { report, type Violation } from './violation.ts'

type Layer = {
  /** Layers, or single files of them, that this one may import. `public`: every file with an entry in `exports`. */
  may: string[]
  /** Those of which it may import types only, with `import type`. */
  types?: string[]
  /** Built-in modules of Node that it may not import. */
  notNode?: RegExp
  /** Its public files are alternatives: they may share internal files, but never import each other. */
  alternatives?: boolean
  /** It may import the types of optional peers (a framework's), with `import type`. */
  peerTypes?: boolean
  /** It is bundled for browsers, with what it imports of the development dependencies. */
  bundled?: boolean
  /** It may load optional peers when they are needed, with `import()`. */
  peersOnDemand?: boolean
}

const everything = /./
const inputAndOutput = /^node:(child_process|cluster|dgram|dns|fs|http|http2|https|net|sqlite|tls|worker_threads)\b/

const layers: Record<string, Layer> = {
  index: { may: ['errors', 'session', 'http'], notNode: everything },
  errors: { may: [], notNode: everything },
  session: { may: ['errors'], notNode: inputAndOutput },
  http: { may: ['session', 'errors'] },
  databases: { may: ['errors'] },
  stores: {
    may: ['errors', 'databases', 'session/duration', 'session/turns', 'session/recent-map', 'session/change-feed'],
    types: ['session'],
    alternatives: true,
  },
  adapters: { may: ['http', 'session', 'errors'], alternatives: true, peerTypes: true },
  migrate: { may: ['http', 'session', 'errors'] },
  bearer: { may: ['session', 'http', 'errors'] },
  binding: { may: ['session', 'http', 'errors'] },
  mfa: { may: ['session', 'http', 'databases', 'errors'], peersOnDemand: true },
  watch: { may: ['session', 'http', 'databases', 'errors'], peersOnDemand: true },
  console: { may: ['public'], peerTypes: true },
  page: { may: [], types: ['console/api'], notNode: everything, bundled: true },
  browser: { may: [], notNode: everything },
  scenarios: { may: [] },
  testing: { may: ['session', 'http', 'errors'], types: ['mfa', 'watch'] },
  // The doctor looks at options before they are in force, and what strangers wrote is made fit for a terminal as it is for a
  // log: nobody else's business, without a public door.
  cli: { may: ['public', 'session', 'http', 'errors', 'watch/plain-text'] },
}

/** Like any user: these trees see the package through its exports only. */
const users = ['app', 'examples']
const trees = ['src', 'test', 'tools', 'bench', ...users]
const vagueName = /(^|\/)(utils?|helpers?|common|types)(\.[^/]*)?(\/|$)/

export function layerViolations(root: string): Violation[] {
  const files = globSync(`{${trees}}/**/*.{ts,mts,cts,tsx,js,mjs,cjs}`, {
    cwd: root,
    exclude: ['**/node_modules/**', '**/page-dist/**'],
  })
    .map(file => file.replaceAll(sep, '/'))
    .sort()
  const modules = new Map(
    files
      .filter(file => ['src', ...users].includes(treeOf(file)))
      .map(file => [file, parseModule(file, readFileSync(path.join(root, file), 'utf8'))]),
  )
  const manifest = readManifest(root)
  const doors = publicFiles(root, manifest)

  return [
    ...files.filter(file => vagueName.test(file)).map(badName),
    ...[...modules.keys()].filter(file => treeOf(file) === 'src' && !layers[layerOf(file)]).map(noLayer),
    ...[...modules].flatMap(([file, { imports }]) =>
      imports.flatMap(line => {
        const broken = brokenBy(file, line, manifest, doors)
        return broken ? { file, line: line.line, ...broken } : []
      }),
    ),
    ...[...modules].flatMap(([file, module]) => ownStatementsOfIndex(file, module)),
    ...cycles(modules),
  ]
}

type Broken = Pick<Violation, 'rule' | 'fix'>

/** The rule that one import of one file breaks, or null. */
function brokenBy(file: string, line: Import, manifest: Manifest, doors: Set<string>): Broken | null {
  const target = targetOf(file, line)
  const tree = treeOf(file)
  if (users.includes(tree)) {
    if (!target || treeOf(target) === tree) return null
    return { rule: `${tree} uses the package like any user, not ${target}`, fix: `import from '${manifest.name}/…'` }
  }
  const layer = layers[layerOf(file)]
  if (!layer) return null // reported once for the file
  return target ? brokenByFile(file, layer, target, line, doors) : brokenByPackage(file, layer, line, manifest)
}

function brokenByFile(file: string, layer: Layer, target: string, line: Import, doors: Set<string>): Broken | null {
  const covers = (entry: string) =>
    entry === 'public' ? doors.has(target) : target === `src/${entry}.ts` || target.startsWith(`src/${entry}/`)
  const name = layerOf(file)

  if (treeOf(target) !== 'src') {
    return { rule: `src is published without ${target}`, fix: 'move what you need into src' }
  }
  if (layerOf(target) === name) {
    const [own, other] = [unitOf(file), unitOf(target)]
    const isDoor = [...doors].some(door => unitOf(door) === other)
    if (!layer.alternatives || own === other || !isDoor) return null
    const fix = `move what both need into a file of src/${name} that has no entry in exports`
    return { rule: `${own} and ${other} are alternatives and know nothing of each other`, fix }
  }
  if (layerOf(target) === 'cli') return { rule: 'nobody imports cli', fix: 'move what you need out of src/cli' }
  if (layer.may.some(covers)) return null
  if (layer.types?.some(covers)) {
    if (line.typeOnly) return null
    const fix = 'write `import type`; a value comes in as an argument, or moves to a layer below both'
    return { rule: `${name} may import only types of ${target}`, fix }
  }
  const allowed = [...layer.may, ...(layer.types ?? []).map(entry => `types of ${entry}`)].join(', ') || 'nothing'
  const fix = layer.may.includes('public')
    ? 're-export it from a file with an entry in exports, if every user may have it'
    : 'pass it in as an argument, or move it to a layer that both may import'
  return { rule: `${name} may import ${allowed}; not ${target}`, fix }
}

function brokenByPackage(file: string, layer: Layer, line: Import, manifest: Manifest): Broken | null {
  const { specifier, typeOnly, onDemand } = line
  const name = layerOf(file)
  if (specifier.startsWith('node:')) {
    if (!layer.notNode?.test(specifier)) return null
    return { rule: `${name} may not import ${specifier}`, fix: 'let the caller pass in what it is needed for' }
  }
  const dependency = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  if (dependency === manifest.name) {
    return { rule: 'src does not import itself by its name', fix: 'write the relative path' }
  }
  if (manifest.dependencies?.[dependency]) return null
  if (layer.bundled && manifest.devDependencies?.[dependency]) return null
  if (layer.peersOnDemand && manifest.peerDependencies?.[dependency]) {
    if (typeOnly || onDemand) return null
    return {
      rule: `${dependency} is an optional peer, which may be missing`,
      fix: 'write `await import(…)` where it is needed',
    }
  }
  if (layer.peerTypes && manifest.peerDependencies?.[dependency]) {
    if (typeOnly) return null
    return { rule: `${dependency} is an optional peer, known by its types only`, fix: 'write `import type`' }
  }
  return {
    rule: `${name} may not import ${dependency}, which is no dependency of ours`,
    fix: 'describe the part you need with a type of your own and let the user pass it in',
  }
}

/** `src/session/token.ts` is of the tree `src`. */
function treeOf(file: string): string {
  return file.split('/', 1)[0] ?? ''
}

/** `src/session/token.ts` is of the layer `session`, `src/errors.ts` of `errors`; the console's page is no part of its server. */
function layerOf(file: string): string {
  if (file.startsWith('src/console/page/')) return 'page'
  return file.split('/')[1]?.replace(/\.[^.]+$/, '') ?? ''
}

/** `src/stores/memory.ts` and everything in `src/stores/memory/` are the unit `stores/memory`. */
function unitOf(file: string): string {
  const [, layer, unit = ''] = file.split('/')
  return `${layer}/${unit.replace(/\.[^.]+$/, '')}`
}

/** The file that a relative import leads to; null for a package. */
function targetOf(file: string, { specifier }: Import): string | null {
  return specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : null
}

function badName(file: string): Violation {
  return {
    file,
    line: 1,
    rule: 'a file is named after its subject',
    fix: 'name it after what it is about, or split it',
  }
}

function noLayer(file: string): Violation {
  return {
    file,
    line: 1,
    rule: 'every file of src belongs to a layer',
    fix: 'add a row to the table in tools/layers.ts',
  }
}

function ownStatementsOfIndex(file: string, { ownStatements }: Module): Violation[] {
  if (!/^src\/(.*\/)?index\.ts$/.test(file)) return []
  const rule = 'an index only re-exports'
  return ownStatements.map(line => ({ file, line, rule, fix: 'move this into a file of its own and re-export it' }))
}

/** Every import of src that closes a circle, found depth first. */
function cycles(modules: Map<string, Module>): Violation[] {
  const found: Violation[] = []
  const done = new Set<string>()

  function visit(file: string, trail: string[]) {
    for (const line of modules.get(file)?.imports ?? []) {
      const target = targetOf(file, line) ?? ''
      const start = trail.indexOf(target)
      if (start >= 0) {
        const rule = `a circle: ${[...trail.slice(start), target].join(' → ')}`
        found.push({ file, line: line.line, rule, fix: 'move what both need into a file below both' })
      } else if (modules.has(target) && !done.has(target)) visit(target, [...trail, target])
    }
    done.add(file)
  }

  for (const file of modules.keys()) if (file.startsWith('src/') && !done.has(file)) visit(file, [file])
  return found
}

if (import.meta.main) process.exitCode = report(layerViolations(process.cwd())) ? 0 : 1
