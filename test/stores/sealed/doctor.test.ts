import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { sealedStore } from 'latchkey/stores/sealed'
import { checkConfiguration } from '../../../src/cli/configuration-checks.ts'
import { newSecretText } from '../../actors/server.ts'

const findings = (store: SessionStore) =>
  checkConfiguration({ secrets: [newSecretText()], store, trustProxy: false, policy: { maxSessions: false } })

it('the doctor says what a sealed cookie costs, and what to pass', () => {
  const found = findings(sealedStore())
  const trade = found.find(({ text }) => text.includes('sealed'))
  assert.equal(trade?.level, 'warning')
  assert.match(trade.text, /a copied cookie works until its idle time-out.* also after sign-out/)
  assert.match(trade.fix ?? '', /revocations/)
  assert.ok(found.every(({ text }) => !text.includes('replayed token ends')))
})

it('with a list of sessions there is nothing to warn of', () => {
  const found = findings(sealedStore({ revocations: fileStore('never-opened') }))
  assert.ok(found.some(({ level, text }) => level === 'ok' && text === 'store is sealed+file and survives a restart.'))
  assert.ok(found.some(({ text }) => text === 'A replayed token ends the session.'))
})
