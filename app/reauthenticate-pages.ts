import type { Request, Response } from 'express'
import { type KeptForm, keptForm, sentForm } from './kept-form.ts'
import type { Pages } from './pages.ts'
import { type Proof, type Proving, problemOfProof, statusOfProof } from './prove-again.ts'
import { returnTo, signInAddress } from './return-to.ts'
import type { SessionOf } from './session-data.ts'
import { reauthenticatePage } from './views/reauthenticate-page.ts'

/** The page that asks somebody to prove again who they are, wherever they were. */
export interface ReauthenticatePages {
  /** For a page: takes a detour. For a form: asks right here, and keeps what was typed. */
  askInPlace(request: Request, response: Response): Promise<void>
  /** The page itself, as its own form or address asks for it; `failed`: what the last try came to. */
  ask(request: Request, response: Response, failed?: Exclude<Proof, { outcome: 'passed' }>): Promise<void>
  /** Nobody is signed in who could prove anything. */
  signInFirst(request: Request, response: Response): void
}

/** Makes them. */
export function createReauthenticatePages(parts: {
  readonly sessionOf: SessionOf
  readonly pages: Pages
  readonly proving: Proving
}): ReauthenticatePages {
  const { sessionOf, pages, proving } = parts

  const signInFirst = (request: Request, response: Response): void => {
    response.redirect(303, isPage(request) ? `/login?returnTo=${encodeURIComponent(request.originalUrl)}` : '/login')
  }

  const send = async (
    request: Request,
    response: Response,
    { kept, status, problem }: { kept: KeptForm | null; status: number; problem: string | null },
  ): Promise<void> => {
    const session = await sessionOf(request).load()
    const userId = session.userId ?? session.locked?.userId ?? null
    if (userId === null) return response.redirect(303, signInAddress(request))
    const form = await proving.form(userId, { problem })
    const isLocked = session.locked !== null
    await pages.send(request, response, {
      title: 'Confirm that it is you',
      status,
      path: '/reauthenticate',
      body: visitor => reauthenticatePage(visitor, { userId, isLocked, form, kept, returnTo: returnTo(request) }),
    })
  }

  return {
    signInFirst,
    async askInPlace(request, response) {
      if (isPage(request)) {
        // Who was on the way in is in then: the form for signing in would ask once more.
        const next = request.path === '/login' ? (returnTo(request) ?? '/dashboard') : request.originalUrl
        return response.redirect(303, `/reauthenticate?returnTo=${encodeURIComponent(next)}`)
      }
      await send(request, response, { kept: sentForm(request), status: 401, problem: null })
    },
    async ask(request, response, failed) {
      if (failed?.outcome === 'wait') response.set('retry-after', String(failed.seconds))
      const status = failed ? statusOfProof(failed) : 200
      await send(request, response, {
        kept: keptForm(request.body),
        status,
        problem: failed ? problemOfProof(failed) : null,
      })
    },
  }
}

function isPage({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD'
}
