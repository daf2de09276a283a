import { type Connection, WebFacts } from './web-facts.ts'

/** Most bytes of a body that are read for its CSRF token: 1 MiB. What is longer, such as an upload, sends the header. */
export const maxFormBytes = 1_048_576

/** Bodies that were read, so that several session managers read a request once. */
const read = new WeakMap<Request, Promise<unknown>>()

/**
 * A request's form or JSON as far as a CSRF token needs it, `undefined` when it has none. A Web-standard body can be read
 * once, and that is the handler's, so this reads a clone.
 */
export function formOf(request: Request): Promise<unknown> {
  const before = read.get(request)
  if (before) return before
  // What cannot be read (used already, broken off, no form after all) has no token; whoever reads on finds out why.
  const reading = readForm(request).catch(() => undefined)
  read.set(request, reading)
  return reading
}

async function readForm(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? ''
  const [media = ''] = type.toLowerCase().split(';', 1)
  const isForm = formTypes.has(media.trim())
  if (!isForm && media.trim() !== 'application/json') return undefined
  if (Number(request.headers.get('content-length') ?? 0) > maxFormBytes) return undefined
  const body = await wholeBody(request.clone().body)
  if (!body) return undefined
  if (!isForm) return JSON.parse(await body.text())
  const form = await new Response(body, { headers: { 'content-type': type } }).formData()
  // In one pass: to look each name up would take minutes for a body of nothing but names.
  const fields = new Map<string, unknown>()
  for (const [name, value] of form) fields.set(name, fields.has(name) ? severalValues : value)
  return Object.fromEntries(fields)
}

/** The facts of a request whose form or JSON is needed. */
export async function webFactsOf(request: Request, connection?: Connection): Promise<WebFacts> {
  const facts = new WebFacts(request, connection)
  facts.parsed(await formOf(request))
  return facts
}

/** Stands for a field that came more than once, which is nobody's token. */
const severalValues: readonly string[] = []

const formTypes: ReadonlySet<string> = new Set(['application/x-www-form-urlencoded', 'multipart/form-data'])

/** All bytes of a body, or `null` when it has none or is too long. */
async function wholeBody(body: ReadableStream<Uint8Array> | null): Promise<Blob | null> {
  if (!body) return null
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return new Blob(chunks)
    length += value.byteLength
    if (length > maxFormBytes) {
      // Not awaited: cancelling one half of a clone waits for the other.
      reader.cancel().catch(() => {})
      return null
    }
    chunks.push(new Uint8Array(value))
  }
}
