import type { ServerResponse } from 'node:http'

/** The one way every contender on `node:http` answers, so that they differ in nothing but the session. */
export function json(res: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  res.end(body)
}
