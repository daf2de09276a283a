import type { SessionStatus } from './status.ts'

/** What the server says: a status, or that nobody is signed in; `null` when it cannot be reached or does not know. */
export type Answer = SessionStatus | { readonly signedIn: false } | null

/** Asks for the status, which is no activity. Never throws. */
export async function ask(url: string, how: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...how, cache: 'no-store', signal: AbortSignal.timeout(10_000) })
    if (response.status === 401) return { signedIn: false }
    const status = await response.json()
    return response.ok && 'signedIn' in status ? status : null
  } catch {
    return null
  }
}

/** Extends the session, which is activity, and asks for the new status. */
export function extend(url: string, csrfToken: string): Promise<Answer> {
  return ask(url, { method: 'POST', headers: { 'X-CSRF-Token': csrfToken } })
}

/** Signs out like a form of the page: a navigation, so that the answer's cookies and headers count. */
export function signOut(url: string, csrfToken: string): void {
  const form = Object.assign(document.createElement('form'), { method: 'post', action: url })
  form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'csrf_token', value: csrfToken }))
  document.body.append(form)
  form.requestSubmit()
}

/** Whether a form leads to an address of ours. */
export function leadsTo(form: EventTarget | null, url: string): boolean {
  const path = (address: string) => new URL(address, location.href).pathname
  // `form.action` would be a field of that name, where there is one.
  return path((form as Element).getAttribute('action') ?? '') === path(url)
}

/** Gives every form of the page the newest CSRF token: the old one died if the user signed in again in another tab. */
export function refreshForms(csrfToken: string): void {
  for (const field of document.querySelectorAll<HTMLInputElement>('input[name=csrf_token]')) field.value = csrfToken
}
