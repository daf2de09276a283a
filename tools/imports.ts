import { parseSync, type Statement, type StringLiteral, Visitor } from 'oxc-parser'

/** One `import`, `export … from`, `import()` (which is `onDemand`) or `import('…').Type` of a module. */
export type Import = { specifier: string; typeOnly: boolean; onDemand: boolean; line: number }

/** What a module says about other modules. `ownStatements` are the lines of everything but imports and re-exports. */
export type Module = { imports: Import[]; ownStatements: number[] }

/** Reads a module's imports. A real parser, because examples in comments and strings look like imports, too. */
export function parseModule(path: string, text: string): Module {
  const { program, errors } = parseSync(path, text)
  if (errors[0]) throw new SyntaxError(`${path}: ${errors[0].message}`)

  const imports: Import[] = []
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  const add = (source: StringLiteral, typeOnly: boolean, onDemand = false) =>
    imports.push({ specifier: source.value, typeOnly, onDemand, line: lineOf(source.start) })

  new Visitor({
    // `import { type A } from 'x'` still loads x at run time; only `import type` is free of it.
    ImportDeclaration: node => add(node.source, node.importKind === 'type'),
    ExportAllDeclaration: node => add(node.source, node.exportKind === 'type'),
    ExportNamedDeclaration: node => node.source && add(node.source, node.exportKind === 'type'),
    // Not a literal: a path computed at run time, such as a user's configuration file.
    ImportExpression: ({ source }) =>
      source.type === 'Literal' && typeof source.value === 'string' && add(source, false, true),
    TSImportType: node => add(node.source, true),
  }).visit(program)

  const ownStatements = program.body.filter(isOwn).map(statement => lineOf(statement.start))
  return { imports: imports.toSorted((a, b) => a.line - b.line), ownStatements }
}

function isOwn(statement: Statement): boolean {
  if (statement.type === 'ExportAllDeclaration') return false
  return !(statement.type === 'ExportNamedDeclaration' && statement.source)
}
