import type { ServerResponse } from 'node:http'
import { LatchkeyError, publicMessage } from '../errors.ts'

/** An error's answer in the words of no framework: status, headers and one line of plain text that gives nothing away. */
export interface ErrorAnswer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * The answer to whatever was thrown. Every adapter that answers errors itself does it with this, so that a refusal says
 * the same everywhere. A 500 is printed to the standard error output: a fault that nobody hears of is never mended.
 */
export function answerTo(error: unknown): ErrorAnswer {
  const ours = error instanceof LatchkeyError ? error : null
  const status = ours?.status ?? 500
  if (status === 500) console.error(error)
  const headers = {
    'cache-control': 'no-store',
    ...ours?.headers,
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  }
  return { status, headers, body: `${publicMessage(error)}\n` }
}

/** Answers an error on a response of Node whose headers have not left. */
export function writePlainError(error: unknown, response: ServerResponse): void {
  const { status, headers, body } = answerTo(error)
  response.statusCode = status
  // The handler may have described another body than this one already, such as its length, or allowed to store it.
  for (const name of response.getHeaderNames()) if (aboutBody.test(name)) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}

const aboutBody =
  /^(content-(?!security-policy).*|transfer-encoding|trailer|etag|last-modified|expires|accept-ranges|location)$/
