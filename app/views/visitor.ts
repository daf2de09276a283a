import type { SessionStatus } from 'latchkey'

/** Colours: by choice, or as the device wants it. */
export const themes = ['light', 'dark', 'system'] as const

/** One of {@link themes}. */
export type Theme = (typeof themes)[number]

/** What every page needs to know about who looks at it. */
export interface Visitor {
  /** The signed-in user, or `null` for a guest. */
  readonly username: string | null
  /** Whether the session is locked: all that works then is to unlock it, or to sign out. */
  readonly isLocked: boolean
  readonly theme: Theme
  readonly copiesInCart: number
  /** For the hidden field of forms; `null` where the session cannot be asked, then no form is shown that needs it. */
  readonly csrfToken: string | null
  /** What the script in the page starts from, so that it warns in time; `null` where the session cannot be asked. */
  readonly watch: PageWatch | null
}

/** The script `latchkey/browser` in a page: where it is, and what it starts from. */
export interface PageWatch {
  readonly src: string
  readonly options: {
    readonly status: SessionStatus
    readonly statusUrl: string
    readonly extendUrl: string
    readonly signOutUrl: string
    readonly signInUrl: string
  }
}

/** Somebody about whom nothing can be said, for example because the session store is down. */
export const stranger: Visitor = {
  username: null,
  isLocked: false,
  theme: 'system',
  copiesInCart: 0,
  csrfToken: null,
  watch: null,
}
