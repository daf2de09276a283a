import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Route, readRoute } from './route.ts'

const titles: Record<Route['view'], string> = {
  overview: 'Overview',
  live: 'Live',
  sessions: 'Sessions',
  session: 'Session',
  user: 'User',
  alerts: 'Alerts',
  detector: 'Detector',
  nowhere: 'Nothing here',
}

/** What the address says; when it comes to mean another view, that begins at its top, and the focus is at its heading. */
export function useRoute(content: RefObject<HTMLElement | null>): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash))
  useEffect(() => {
    const look = () => setRoute(readRoute(location.hash))
    addEventListener('hashchange', look)
    return () => removeEventListener('hashchange', look)
  }, [])
  const subject = subjectOf(route)
  const before = useRef(subject)
  useEffect(() => {
    document.title = `${titles[route.view]} · Console`
    if (before.current === subject) return
    before.current = subject
    scrollTo(0, 0)
    // Who came to search finds the field, everybody else the beginning.
    const wanted = location.hash.endsWith('?search') ? 'input[type="search"]' : 'h1'
    const start = content.current?.querySelector<HTMLElement>(wanted) ?? content.current
    if (start === null) return
    if (start.tabIndex < 0) start.tabIndex = -1
    start.focus({ preventScroll: true })
  }, [subject, route.view, content])
  return route
}

/** Another filter is the same view, and nobody is to be torn away from its fields. */
function subjectOf(route: Route): string {
  if (route.view === 'session') return `session ${route.sid}`
  if (route.view === 'user') return `user ${route.id}`
  return route.view === 'detector' ? `detector ${route.name}` : route.view
}
