import type { Request, Response } from 'express'
import { textField } from './fields.ts'
import type { Pages } from './pages.ts'
import { Problem } from './problem.ts'
import { type Proof, type Proving, problemOfProof, statusOfProof } from './prove-again.ts'
import type { SessionOf } from './session-data.ts'
import { type CriticalAction, confirmPage } from './views/confirm-page.ts'

/**
 * Actions that are carried out only when their user has seen exactly what will happen, and has proved again who they are
 * (ASVS 7.5.3, OWASP Transaction Authorization). Between the two steps the page carries the data, and the session knows to
 * what they were bound: changed on the way, nothing happens.
 */
export interface ConfirmedActions {
  /** Opens a confirmation and shows what is to be confirmed. */
  ask(request: Request, response: Response, action: CriticalAction): Promise<void>
  /**
   * Whether the action may be carried out, by this request and no other. `false`: the answer has been given, because what
   * the user proved was wrong. Throws a refusal, which says the same for every reason, when there is nothing to confirm (any more).
   */
  confirmed(request: Request, response: Response, action: CriticalAction): Promise<boolean>
}

/** Confirmed actions by Latchkey's confirmations. */
export function createConfirmedActions(parts: {
  readonly pages: Pages
  readonly sessionOf: SessionOf
  readonly proving: Proving
  /** Whether somebody remembers what was confirmed: nobody does where the cookies carry the sessions. */
  readonly possible: boolean
}): ConfirmedActions {
  const { pages, sessionOf, proving, possible } = parts

  const show = async (
    request: Request,
    response: Response,
    action: CriticalAction,
    id: string,
    failed: Exclude<Proof, { outcome: 'passed' }> | null,
  ): Promise<void> => {
    const problem = failed && problemOfProof(failed)
    const proof = await proving.form(signedIn(sessionOf(request).userId), { challenge: id, problem })
    if (failed?.outcome === 'wait') response.set('retry-after', String(failed.seconds))
    await pages.send(request, response, {
      title: action.title,
      status: failed ? statusOfProof(failed) : 200,
      path: action.path,
      body: visitor => confirmPage(visitor, action, { id, proof }),
    })
  }

  return {
    async ask(request, response, action) {
      if (!possible) throw notPossible()
      const session = await sessionOf(request).load()
      const { hasSecondFactor } = await proving.form(signedIn(session.userId))
      // Two factors of whoever has two: less must not be enough for what matters most (TA-3).
      const { id } = await session.confirm(action.operation, action.data, { level: hasSecondFactor ? 2 : 1 })
      await show(request, response, action, id, null)
    },

    async confirmed(request, response, action) {
      if (!possible) throw notPossible()
      const session = await sessionOf(request).load()
      const id = textField(request.body, 'confirmation') ?? ''
      const proof = await proving.check(request, signedIn(session.userId), { challenge: id })
      if (proof.outcome === 'passed') {
        await session.redeem(id, action.operation, action.data, { amr: proof.amr })
        return true
      }
      if (proof.outcome === 'refused') await session.failConfirmation(id, action.operation)
      await show(request, response, action, id, proof)
      return false
    },
  }
}

function signedIn(userId: string | null): string {
  if (userId !== null) return userId
  throw new Problem(401, 'Please sign in', 'Your session is over.')
}

function notPossible(): Problem {
  return new Problem(
    501,
    'This Campus cannot do that',
    'It keeps sessions in their cookies alone, where nothing can be confirmed exactly once. Nothing was changed.',
  )
}
