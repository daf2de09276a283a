import type { ContractAnswer } from 'latchkey/testing'

/** An answer of the contract's application as a Web-standard response; a sequence is sent as it comes, at the reader's pace. */
export function responseOf({ status, headers = {}, body }: ContractAnswer): Response {
  const own = new Headers()
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) own.append(name, one)
  return new Response(typeof body === 'object' ? streamOf(body) : (body ?? null), { status, headers: own })
}

function streamOf(sequence: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const parts = sequence[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      async cancel() {
        await parts.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
