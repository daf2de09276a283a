import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { describe, it } from 'node:test'
import { originOf, serve } from '../../app/serve.ts'

describe('Serving', () => {
  // Node keeps idle connections open for five seconds and more; the time limit tells waiting for that from draining.
  it('stops as soon as the last answer is out, although the browser keeps its connection', {
    timeout: 4_000,
  }, async () => {
    let answer = () => {}
    const asked = Promise.withResolvers<void>()
    const listening = await serve(
      () => (_request, response) => {
        answer = () => response.end('done')
        asked.resolve()
      },
      null,
      '127.0.0.1',
      0,
    )
    const agent = new Agent({ keepAlive: true })
    const sent = request({ port: listening.port, host: '127.0.0.1', agent }).end()
    await asked.promise
    const drained = listening.drain(10_000)
    answer()
    const [response] = await once(sent, 'response')
    response.resume()
    assert.equal(response.statusCode, 200)
    await drained
  })

  it('does not wait for ever for a request that never ends', async () => {
    const asked = Promise.withResolvers<void>()
    const listening = await serve(() => () => asked.resolve(), null, '127.0.0.1', 0)
    const sent = request({ port: listening.port, host: '127.0.0.1' }).end()
    const cut = once(sent, 'error')
    await asked.promise
    await listening.drain(20)
    const [error] = await cut
    assert.equal(error.code, 'ECONNRESET')
  })

  const origins: [https: boolean, host: string, origin: string][] = [
    [true, '127.0.0.1', 'https://localhost:1'],
    [true, '0.0.0.0', 'https://localhost:1'],
    [true, '::', 'https://localhost:1'],
    [false, 'campus.example', 'http://campus.example:1'],
    [true, '2001:db8::1', 'https://[2001:db8::1]:1'],
  ]
  for (const [https, host, origin] of origins) {
    it(`is found at ${origin} when it listens on ${host}`, () => assert.equal(originOf(https, host, 1), origin))
  }
})
