import type { Administrator } from './admission.ts'
import type { Ended, EverybodyConfirmation } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { assertRevocable } from './ends.ts'
import { dataField, needed, textField } from './input.ts'
import type { EnteredProof, Proving } from './options.ts'
import { Declined, notFound } from './problem.ts'

/** The name of the action in the trail. */
const operation = 'console.end-everybody'
const longestProof = 1_000
/** A passkey's answer is four deep, with the results of extensions. */
const deepestPasskey = 16

/** `POST api/everybody/confirm`: opens the confirmation, which the same session has to redeem. */
export async function confirmEverybody(
  desk: Desk,
  _request: ConsoleRequest,
  { session }: Administrator,
): Promise<EverybodyConfirmation> {
  const prove = provingOf(desk)
  const { id, expiresAt } = await session.confirm(operation, null, { level: 2 })
  const passkey = prove.fields.passkey ? await prove.passkey?.(session, id) : null
  return { confirmation: id, expiresAt, passkey: passkey ?? null }
}

/**
 * `POST api/everybody/end`: ends all sessions there are, of this administrator too. It needs two factors proved for exactly this,
 * once more: neither a stolen session nor a laptop left open is enough to throw everybody out (ASVS 7.5.3).
 */
export async function endEverybody(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<Ended> {
  const body = await request.json()
  const prove = provingOf(desk)
  const confirmation = needed(textField(body, 'confirmation', 200), 'confirmation')
  const { session, userId } = who
  const { client, native } = request
  const proof = await prove.check(enteredIn(body), { session, userId, confirmation, client, request: native })
  if (proof.outcome === 'wait') {
    const seconds = Math.max(1, Math.ceil(proof.seconds))
    const message = 'Too many tries were wrong. Please wait before the next one.'
    throw new Declined(429, 'too-many-tries', message, { 'retry-after': String(seconds) })
  }
  if (proof.outcome === 'refused') {
    await session.failConfirmation(confirmation, operation)
    throw new Declined(403, 'proof-refused', 'That was not right. Please try again.')
  }
  await session.redeem(confirmation, operation, null, { amr: proof.amr })
  desk.watch.operatorActed('end-everybody', 'everybody', userId)
  const ended = await desk.sessions.endEverybody()
  await session.end()
  return { ended }
}

function provingOf(desk: Desk): Proving<object> {
  assertRevocable(desk)
  if (desk.prove === null) throw notFound()
  return desk.prove
}

function enteredIn(body: unknown): EnteredProof {
  const password = textField(body, 'password', longestProof)
  const code = textField(body, 'code', longestProof)
  const passkey = dataField(body, 'passkey', deepestPasskey)
  return {
    ...(password === undefined ? {} : { password }),
    ...(code === undefined ? {} : { code }),
    ...(passkey === undefined || passkey === null ? {} : { passkey }),
  }
}
