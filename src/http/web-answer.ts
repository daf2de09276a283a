import type { EndpointAnswer } from './endpoint.ts'

/** What an endpoint answers, as a Web-standard response. */
export function answerOf({ status, headers, body }: EndpointAnswer): Response {
  if (body === null) return new Response(null, { status, headers })
  return Response.json(body, { status, headers })
}
