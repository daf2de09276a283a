import { Declined } from './problem.ts'

/** The longest body that is read, bytes: a passkey's answer has a few thousand. */
export const longestBody = 65_536

/** Reads a body to its end and parses it as JSON; refuses one that is too long, before it is all there. */
export async function readJson(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const read: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.byteLength
    if (length > longestBody) throw new Declined(413, 'too-long', 'That is too long.')
    read.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(read)))
  } catch {
    throw new Declined(400, 'bad-request', 'The body must be JSON.')
  }
}
