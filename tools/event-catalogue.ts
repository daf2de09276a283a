/**
 * Writes docs/events.md from the source: the names and fields of every event of the engine and of the watch and what its comment
 * says, its OWASP term and severity, what it is in ECS and OCSF, the reasons that events carry, and the fields of an entry of
 * the audit trail (ASVS 16.1.1: an inventory of what is logged). Without an argument it writes the page; a test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Comment, parseSync, type TSType, type TSTypeLiteral } from 'oxc-parser'
import { type AuditType, auditCatalogue } from '../src/watch/events.ts'
import { eventMapping, ocsfClasses } from '../src/watch/mapping/event-mapping.ts'

/** The page, and the command that writes it. */
export const eventPage = 'docs/events.md'
export const writeEventPage = 'node tools/event-catalogue.ts'

type Field = { name: string; type: string; comment: string }

export function eventPageText(root: string): string {
  const events = readSource(root, 'src/session/events.ts')
  const watchEvents = readSource(root, 'src/watch/events.ts')
  const trail = readSource(root, 'src/watch/entry.ts')
  const endReasons = bullets(readSource(root, 'src/session/store.ts').commentOf('EndReason'))
  const refusals = bullets(readSource(root, 'src/errors.ts').commentOf('RefusalReason'))
  const flood = floodLimit(root)
  return [
    '# Events',
    '',
    `<!-- Written by \`${writeEventPage}\` from src/session/events.ts, src/watch/events.ts, src/watch/entry.ts, src/watch/mapping, src/session/store.ts and src/errors.ts: edit those. -->`,
    '',
    'Everything that happens to a session, as the functions you pass as `onEvent` or to `sessions.subscribe()` get it.',
    'Latchkey itself writes no log and sends nothing anywhere: where events go, in which format, who may read them and how',
    'long they are kept is decided by the application (ASVS 16.1.1, 16.2.3). [The watch](watch.md) keeps them in an audit trail',
    'and adds its own; without it, [write them down](deploy.md#logs).',
    '',
    '- A listener is called synchronously, in order, and must not block. What it throws is ignored.',
    '- No event carries a token, secret, key, password or session data. The `sid` is public and cannot authenticate.',
    '- `userId` and `userAgent` may hold hostile characters: write them as JSON, never into a line of text as they are.',
    `- Kinds that a client can provoke at will (${flood.kinds}) are told at most ${flood.perSecond} times a second each;`,
    '  `events.suppressed` counts the rest.',
    '',
    '## In every event',
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...events.membersOf('SessionEvent').map(row),
    '',
    '`origin`, where it is not `null`, has:',
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...events.membersOf('RequestOrigin').map(row),
    '',
    '## The events',
    '',
    'The OWASP term is the one of the [Logging Vocabulary](https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html);',
    '`eventCatalogue`, exported by `latchkey`, holds term and severity of every event for your log writer. `info` is life,',
    '`warning` deserves a look, `alert` means that somebody is attacking or something is broken.',
    '',
    '| event | OWASP term | severity | own fields | when |',
    '|---|---|---|---|---|',
    ...events.union('EventDetail').flatMap(eventRows),
    '',
    '## The events of the watch',
    '',
    'What [the watch](watch.md) has to tell itself: it is in the audit trail, and `watch.subscribe()` tells it. `auditCatalogue`,',
    'exported by `latchkey/watch`, holds term and severity of these and all others.',
    '',
    '| event | OWASP term | severity | own fields | when |',
    '|---|---|---|---|---|',
    ...watchEvents.union('WatchEventDetail').flatMap(eventRows),
    '',
    '## In the audit trail',
    '',
    'Every entry of the trail has all of these fields, whatever the event.',
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...trail.membersOf('AuditEntry').map(row),
    '',
    '## In other schemas',
    '',
    'What every event is in the [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs) (`event.category`, `event.type`,',
    '`event.outcome`) and in the [Open Cybersecurity Schema Framework](https://schema.ocsf.io/) (class, `class_uid`, `activity_id`); 99 is',
    'an activity that OCSF has no number for. [Sinks](watch.md#sinks) write entries in either.',
    '',
    '| event | ECS category | ECS type | outcome | OCSF class | activity |',
    '|---|---|---|---|---|---|',
    ...(Object.keys(auditCatalogue) as AuditType[]).map(mappingRow),
    '',
    '## Reasons why a session ended',
    '',
    'In `session.ended`, `sessions.ended-all` and `token.used-after-end`.',
    '',
    ...endReasons,
    '',
    '## Reasons of a refusal',
    '',
    'In `request.refused` and `sign-in.refused`; the same words are the `code` of the error.',
    '',
    ...refusals,
    '',
  ].join('\n')
}

/** How a flood of events is bounded, read off the module that does it. */
function floodLimit(root: string): { kinds: string; perSecond: string } {
  const file = 'src/session/event-stream.ts'
  const text = readFileSync(join(root, file), 'utf8')
  const [, list] = /provocable[^[]*\[([^\]]*)\]/.exec(text) ?? []
  const [, perSecond] = /mostPerSecond = (\d+)/.exec(text) ?? []
  if (!list || !perSecond) throw new Error(`${file}: "provocable" or "mostPerSecond" is not where it was.`)
  return { kinds: [...list.matchAll(/'([^']+)'/g)].map(([, kind]) => `\`${kind}\``).join(', '), perSecond }
}

/** A row for each event: some of the same shape share a comment. */
function eventRows({ fields, comment }: { fields: Field[]; comment: string }): string[] {
  const types = fields.find(({ name }) => name === 'type')?.type ?? ''
  const own = fields.filter(({ name }) => name !== 'type').map(({ name, type }) => code(`${name}: ${type}`))
  return [...types.matchAll(/'([^']+)'/g)].map(([, type = '']) => {
    const { owasp, severity } = auditCatalogue[type as AuditType]
    return `| \`${type}\` | \`${owasp}\` | ${severity} | ${own.join('<br>') || '–'} | ${cell(comment)} |`
  })
}

function mappingRow(type: AuditType): string {
  const { ecs, ocsf, outcome } = eventMapping[type]
  const [category, ecsType] = [ecs.category, ecs.type].map(values => values.map(code).join(', '))
  return `| \`${type}\` | ${category} | ${ecsType} | ${outcome} | ${ocsf.class} (${ocsfClasses[ocsf.class]}) | ${ocsf.activity} |`
}

function row({ name, type, comment }: Field): string {
  return `| \`${name}\` | ${code(type)} | ${cell(comment)} |`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** The list in a comment, each entry on one line. */
function bullets(comment: string): string[] {
  const [, ...entries] = ` ${comment}`.split(/\s- (?=`)/)
  if (entries.length === 0) throw new Error(`There is no list in the comment ${JSON.stringify(comment)}.`)
  return entries.map(entry => `- ${entry}`)
}

/** The exported types of a module, with their comments. */
function readSource(root: string, file: string) {
  const text = readFileSync(join(root, file), 'utf8')
  const { program, comments, errors } = parseSync(file, text)
  if (errors[0]) throw new SyntaxError(`${file}: ${errors[0].message}`)
  const docs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))

  const exported = (name: string) => {
    for (const statement of program.body) {
      if (statement.type !== 'ExportNamedDeclaration') continue
      const { declaration, start } = statement
      if (declaration?.type === 'TSTypeAliasDeclaration' && declaration.id.name === name)
        return { start, type: declaration.typeAnnotation }
      if (declaration?.type === 'TSInterfaceDeclaration' && declaration.id.name === name)
        return { start, type: declaration.body }
    }
    throw new Error(`${file} exports no type ${name}.`)
  }

  /** The comment that ends right before a place, a leading `|` left aside. */
  const commentBefore = (place: number): string => {
    const before = docs.findLast(({ end }) => end <= place && /^[\s|]*$/.test(text.slice(end, place)))
    if (!before) throw new Error(`${file}: there is no comment above ${text.slice(place, place + 60)}`)
    return commentText(before)
  }

  const fieldsOf = (members: TSTypeLiteral['members'], withComments: boolean): Field[] =>
    members.flatMap(member => {
      if (member.type !== 'TSPropertySignature' || member.key.type !== 'Identifier' || !member.typeAnnotation) return []
      const { start, end } = member.typeAnnotation.typeAnnotation
      const comment = withComments ? commentBefore(member.start) : ''
      return [{ name: member.key.name, type: text.slice(start, end), comment }]
    })

  const literal = (type: TSType): TSTypeLiteral | null => {
    if (type.type === 'TSTypeLiteral') return type
    return type.type === 'TSIntersectionType' ? (type.types.map(literal).find(part => part !== null) ?? null) : null
  }

  return {
    commentOf: (name: string): string => commentBefore(exported(name).start),
    membersOf(name: string): Field[] {
      const { type } = exported(name)
      const members = type.type === 'TSInterfaceBody' ? type.body : literal(type)?.members
      return fieldsOf(members ?? [], true)
    },
    union(name: string): { fields: Field[]; comment: string }[] {
      const { type } = exported(name)
      if (type.type !== 'TSUnionType') throw new Error(`${file}: ${name} is no union.`)
      return type.types.map(member => {
        if (member.type !== 'TSTypeLiteral') throw new Error(`${file}: ${name} has a member that is no object.`)
        return { fields: fieldsOf(member.members, false), comment: commentBefore(member.start) }
      })
    },
  }
}

function commentText({ value }: Comment): string {
  return value
    .slice(1)
    .split('\n')
    .map(line => line.replace(/^\s*\*\s?/, '').trim())
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
}

if (import.meta.main) writeFileSync(join(process.cwd(), eventPage), eventPageText(process.cwd()))
