import { UsageError } from '../errors.ts'

/**
 * A JSON value as text, the same text for the same value: members of objects in the order of their names (UTF-16 code units, as
 * in RFC 8785), no spaces. A member that is `undefined`, as of a field that a form does not have, is not there. Throws a
 * `UsageError` for everything else that JSON would silently change or leave out.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
  }
  throw new UsageError(
    'What is to be confirmed must be made of texts, finite numbers, true, false, null, arrays and plain objects: write dates and the like as text.',
  )
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
