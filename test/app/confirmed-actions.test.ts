import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import express from 'express'
import { html } from 'hono/html'
import { createSessions } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import { memoryStore } from 'latchkey/stores/memory'
import { createConfirmedActions } from '../../app/confirmed-actions.ts'
import type { Proof } from '../../app/prove-again.ts'
import type { SessionData } from '../../app/session-data.ts'
import { stranger } from '../../app/views/visitor.ts'
import { listening } from '../actors/listening.ts'
import { newSecretText } from '../actors/server.ts'

const action = {
  ...{ operation: 'paint', data: 'green', path: '/paint', title: 'Paint it?', button: 'Paint' },
  ...{ what: html`<p>green</p>`, fields: {} },
}

/** Somebody who confirms an action, and proves by these methods who they are: what it is answered with. */
async function confirmedBy(amr: readonly string[], hasSecondFactor: boolean): Promise<number> {
  const sessions = createSessions<SessionData>({
    ...{ secrets: [newSecretText()], store: memoryStore(), environment: 'development', sweepEvery: false },
    ...{ insecureHttp: true, csrf: { token: false } },
  })
  const middleware = expressSessions(sessions)
  const proof: Proof = { outcome: 'passed', amr }
  const actions = createConfirmedActions({
    sessionOf: middleware.of,
    possible: true,
    proving: {
      form: async () => ({ hasSecondFactor, passkeyOptions: null, problem: null }),
      check: async () => proof,
    },
    pages: {
      send: async (_request, response, { body }) => void response.send(String(await body(stranger))),
      sendAnyway: async () => {},
    },
  })
  const app = express()
    .use(express.urlencoded(), middleware)
    .post('/in', async (request, response) => {
      await request.session.signIn('ann', { amr: ['pwd'] })
      response.end()
    })
    .post('/paint', (request, response) => actions.ask(request, response, action))
    .post('/paint/confirm', async (request, response) => {
      if (await actions.confirmed(request, response, action)) response.end()
    })
  const server = await listening(app)
  after(server.close)
  let cookie = ''
  const post = async (path: string, fields: Record<string, string> = {}) => {
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const answer = await fetch(server.origin + path, { method: 'POST', headers, body: new URLSearchParams(fields) })
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return { status: answer.status, text: await answer.text() }
  }
  await post('/in')
  const { text } = await post('/paint')
  const confirmation = /name="confirmation" value="([^"]+)"/.exec(text)?.[1] ?? assert.fail(text)
  return (await post('/paint/confirm', { confirmation })).status
}

describe('A confirmed action', () => {
  it('TA-3: of somebody with a second factor is not carried out for one factor, whatever was let pass before', async () => {
    assert.equal(await confirmedBy(['pwd'], true), 403)
    assert.equal(await confirmedBy(['pwd', 'otp'], true), 200)
  })

  it('of somebody without one is carried out for the password', async () => {
    assert.equal(await confirmedBy(['pwd'], false), 200)
  })
})
