import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { Refusal } from 'latchkey'
import { type NodeHandler, type NodeOptions, sessions as nodeSessions } from 'latchkey/adapters/node'
import { send } from '../../src/testing/adapter-contract/wire.ts'
import { freshSessions } from '../actors/fresh-sessions.ts'
import { listening } from '../actors/listening.ts'

type Handler = NodeHandler<Record<string, unknown>>

/** Lets a handler answer one request. */
async function answer(handler: Handler, options: NodeOptions = {}, path = '/') {
  const { sessions } = freshSessions({ insecureHttp: true })
  const { origin, close } = await listening(nodeSessions(sessions, handler, options))
  try {
    return await send(origin, { path })
  } finally {
    await close()
  }
}

const tick = () => new Promise(setImmediate)
const brokenPages: Record<string, NonNullable<NodeOptions['onError']>> = {
  throws: () => {
    throw new Error('the error page is broken')
  },
  rejects: async () => {
    await tick()
    throw new Error('the error page is broken')
  },
}

suite('the answer to an error on node:http', () => {
  test('what the handler said about its own body does not spoil the error page', async () => {
    const { status, headers, body } = await answer((_request, response) => {
      response.setHeader('Content-Length', 1000)
      response.setHeader('Content-Encoding', 'gzip')
      response.setHeader('Content-Disposition', 'attachment; filename=report.pdf')
      response.setHeader('ETag', '"report"')
      response.setHeader('Cache-Control', 'public, max-age=3600')
      response.setHeader('Content-Security-Policy', "default-src 'self'")
      throw new Error('the report failed')
    })
    assert.deepEqual([status, body], [500, 'Something went wrong on our side.\n'])
    for (const name of ['content-encoding', 'content-disposition', 'etag']) assert.equal(headers[name], undefined, name)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['content-security-policy'], "default-src 'self'")
  })

  test('ASVS 16.5.1: a refusal says what to do, any other error nothing', async () => {
    const refused = await answer(() => {
      throw new Refusal('not-fresh', 'Please confirm that it is you.')
    })
    assert.deepEqual([refused.status, refused.body], [401, 'Please confirm that it is you.\n'])
    const failed = await answer(() => {
      throw new Error('password=hunter2')
    })
    assert.deepEqual([failed.status, failed.body], [500, 'Something went wrong on our side.\n'])
  })

  for (const [how, onError] of Object.entries(brokenPages)) {
    test(`ASVS 16.5.4: an error page that ${how} is replaced by ours`, async () => {
      const { status, body } = await answer(
        () => {
          throw new Error('the handler failed')
        },
        { onError },
      )
      assert.deepEqual([status, body], [500, 'Something went wrong on our side.\n'])
    })
  }

  test('ASVS 16.5.4: an error page that breaks off cuts the connection', async () => {
    const onError: NodeOptions['onError'] = (_error, _request, response) => {
      response.writeHead(500, { 'Content-Length': 99 }).write('half a page')
      throw new Error('the error page is broken')
    }
    await assert.rejects(
      answer(
        () => {
          throw new Error('the handler failed')
        },
        { onError },
      ),
    )
  })

  for (const change of [false, true]) {
    test(`an error after the whole answer was given leaves the answer alone (${change})`, async () => {
      const { status, body } = await answer(async (_request, response, { session }) => {
        await session.load()
        if (change) session.data.color = 'red'
        response.end('done')
        throw new Error('too late')
      })
      assert.deepEqual([status, body], [200, 'done'])
    })
  }

  test('an error in the middle of an answer cuts the connection', async () => {
    await assert.rejects(
      answer((_request, response) => {
        response.write('half')
        throw new Error('the handler failed')
      }),
    )
  })
})

suite('node:http2', () => {
  for (const change of [false, true]) {
    test(`the compatibility API works (${change ? 'with' : 'without'} a change)`, async () => {
      const { sessions } = freshSessions({ insecureHttp: true })
      const listener = nodeSessions(sessions, async (_request, response, { session }) => {
        await session.load()
        if (change) session.data.color = 'red'
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.write('hel')
        response.end('lo')
      })
      const server = createHttp2Server(listener as unknown as Parameters<typeof createHttp2Server>[1])
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      const stream = client.request({ ':path': '/' }).setEncoding('utf8')
      const [headers] = (await once(stream, 'response')) as [Record<string, string | string[]>]
      let body = ''
      for await (const part of stream) body += part
      client.close()
      await new Promise(closed => server.close(closed))
      assert.deepEqual([headers[':status'], body, headers['cache-control']], [200, 'hello', 'no-store'])
      assert.equal(headers['set-cookie']?.length, change ? 1 : undefined)
    })
  }
})
