/** Where in the console one is: the part of the address behind `#`, which never leaves the browser. */
import type { Alert } from '../api.ts'

/** A view and what it shows. */
export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'live' }
  | { readonly view: 'sessions'; readonly filter: SessionFilter }
  | { readonly view: 'session'; readonly sid: string }
  | { readonly view: 'user'; readonly id: string }
  | { readonly view: 'alerts'; readonly state: Alert['state'] }
  | { readonly view: 'detector'; readonly name: string }
  | { readonly view: 'nowhere' }

/** Which sessions; `''` is whichever. */
export interface SessionFilter {
  /** The user's id, exactly. */
  readonly user: string
  /** Somewhere in user, address or program. */
  readonly text: string
  /** `0` to `3`. */
  readonly level: string
  /** `cookie` or `bearer`. */
  readonly carrier: string
  /** `true` or `false`. */
  readonly locked: string
}

/** All sessions. */
export const anySession: SessionFilter = { user: '', text: '', level: '', carrier: '', locked: '' }

const states: readonly Alert['state'][] = ['open', 'acknowledged', 'closed']

/** Reads `location.hash`. Somebody else may have written it. */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s)
  const [view, ...rest] = path.split('/')
  const asked = new URLSearchParams(query)
  // Whoever typed a slash that should have been %2F means it.
  const subject = decoded(rest.join('/'))
  if (subject === null) return { view: 'nowhere' }
  if (subject !== '') {
    if (view === 'session') return { view, sid: subject }
    if (view === 'user') return { view, id: subject }
    return view === 'detector' ? { view, name: subject } : { view: 'nowhere' }
  }
  if (view === '' || view === 'overview') return { view: 'overview' }
  if (view === 'live') return { view }
  if (view === 'sessions') return { view, filter: filterIn(asked) }
  if (view === 'alerts') return { view, state: states.find(state => state === asked.get('state')) ?? 'open' }
  return { view: 'nowhere' }
}

/** The address of a route, for `href`. */
export function addressOf(route: Route): string {
  switch (route.view) {
    case 'session':
      return `#/session/${encoded(route.sid)}`
    case 'user':
      return `#/user/${encoded(route.id)}`
    case 'detector':
      return `#/detector/${encoded(route.name)}`
    case 'sessions':
      return `#/sessions${queryOf({ ...route.filter })}`
    case 'alerts':
      return `#/alerts${queryOf(route.state === 'open' ? {} : { state: route.state })}`
    case 'overview':
    case 'nowhere':
      return '#/'
    default:
      return `#/${route.view}`
  }
}

function filterIn(asked: URLSearchParams): SessionFilter {
  const one = (name: string, ...known: string[]) => known.find(value => value === asked.get(name)) ?? ''
  return {
    user: asked.get('user') ?? '',
    text: asked.get('text') ?? '',
    level: one('level', '0', '1', '2', '3'),
    carrier: one('carrier', 'cookie', 'bearer'),
    locked: one('locked', 'true', 'false'),
  }
}

function queryOf(values: Readonly<Record<string, string>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Half a surrogate pair, which JSON can carry, has no encoding and would throw. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
