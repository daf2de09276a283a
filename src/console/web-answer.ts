import { type ConsoleAnswer, mostWaiting, type OpenStream } from './contract.ts'
import { readJson } from './json-body.ts'
import { Declined } from './problem.ts'

/** The body of a Web-standard request as JSON. */
export async function jsonOf(request: Request): Promise<unknown> {
  if (request.bodyUsed) throw new Declined(400, 'bad-request', 'The body was read before the console could.')
  return readJson((request.body ?? []) as AsyncIterable<Uint8Array>)
}

/** An answer as a Web-standard response. */
export function responseOf({ status, headers, body }: ConsoleAnswer, method: string): Response {
  if (method === 'HEAD' || body === null) return new Response(null, { status, headers })
  if (typeof body !== 'function') return new Response(body, { status, headers })
  return new Response(streamOf(body), { status, headers })
}

function streamOf(open: OpenStream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let stop = () => {}
  let isOver = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop = open({
          send(text) {
            if (isOver) return false
            if ((controller.desiredSize ?? 0) > 0) {
              controller.enqueue(encoder.encode(text))
              return true
            }
            // Who does not read gets nothing more, and least of all our memory.
            isOver = true
            controller.error(new Error('The client reads too slowly.'))
            return false
          },
          end() {
            if (!isOver) controller.close()
            isOver = true
          },
        })
      },
      cancel() {
        isOver = true
        stop()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: mostWaiting }),
  )
}
