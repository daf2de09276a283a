import { Declined } from './problem.ts'

/**
 * Reads what a client sent, field by field: each has a shape and a bound, and what does not fit is refused and never repeated.
 */

function wrong(name: string, demand: string): Declined {
  return new Declined(400, 'bad-request', `${name} must be ${demand}.`)
}

/** The one value of a parameter; `undefined` when it is missing or empty. */
function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name)
  if (values.length > 1) throw wrong(name, 'given once')
  return values[0] === '' ? undefined : values[0]
}

/** A text of at most so many characters. */
export function text(query: URLSearchParams, name: string, most: number): string | undefined {
  const value = single(query, name)
  if (value !== undefined && value.length > most) throw wrong(name, `at most ${most} characters long`)
  return value
}

/** A text of characters that programs make: no spaces, nothing that has to be encoded anywhere. */
export function plain(query: URLSearchParams, name: string, most: number): string | undefined {
  const value = text(query, name, most)
  if (value !== undefined && !/^[\x21-\x7e]+$/.test(value)) throw wrong(name, 'printable ASCII')
  return value
}

/** A parameter that cannot be left out. */
export function needed<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw wrong(name, 'given')
  return value
}

/** A whole number within bounds. */
export function whole(query: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const value = single(query, name)
  if (value === undefined) return undefined
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= least && number <= most)) throw wrong(name, `a whole number from ${least} to ${most}`)
  return number
}

/** One of the values that there are. */
export function oneOf<Value extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const value = single(query, name)
  if (value === undefined) return undefined
  return known(value, name, values)
}

/** Some of the values that there are; the parameter may come several times. */
export function someOf<Value extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly Value[],
): readonly Value[] | undefined {
  const given = query.getAll(name).filter(value => value !== '')
  if (given.length > values.length) throw wrong(name, 'given less often')
  return given.length === 0 ? undefined : given.map(value => known(value, name, values))
}

function known<Value extends string>(value: string, name: string, values: readonly Value[]): Value {
  const found = values.find(one => one === value)
  if (found === undefined) throw wrong(name, `one of ${values.join(', ')}`)
  return found
}

const sidShape = /^[A-Za-z0-9_-]{22}$/
const idShape = /^[A-Za-z0-9_-]{1,64}$/

/** The id of a session. */
export function sid(query: URLSearchParams, name: string): string | undefined {
  const value = single(query, name)
  if (value !== undefined && !sidShape.test(value)) throw wrong(name, 'the id of a session')
  return value
}

/** A text field of a JSON body; `undefined` when it is missing or empty. Only an own, plain property counts. */
export function textField(body: unknown, name: string, most: number): string | undefined {
  const value = field(body, name)
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string' || value.length > most) throw wrong(name, `a text of at most ${most} characters`)
  return value
}

/** The id of a session in a JSON body. */
export function sidField(body: unknown, name: string): string {
  const value = field(body, name)
  if (typeof value === 'string' && sidShape.test(value)) return value
  throw wrong(name, 'the id of a session')
}

/** The id of something else, such as an alert, in a JSON body. */
export function idField(body: unknown, name: string): string {
  const value = field(body, name)
  if (typeof value === 'string' && idShape.test(value)) return value
  throw wrong(name, 'an id')
}

/** Data of some shape in a JSON body, not nested so deep that whoever writes it as JSON again runs out of stack. */
export function dataField(body: unknown, name: string, deepest: number): unknown {
  const value = field(body, name)
  if (isDeeper(value, deepest)) throw wrong(name, `nested at most ${deepest} deep`)
  return value
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(member => isDeeper(member, levels - 1))
}

/** A field of a JSON body, whatever it is. */
export function field(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('The body', 'a JSON object')
  return Object.getOwnPropertyDescriptor(body, name)?.value
}
