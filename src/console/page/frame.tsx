import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { Refused } from './client.ts'
import { useConsole } from './console-context.ts'
import { count } from './numbers.ts'
import { HelpDialog } from './parts/help-dialog.tsx'
import { ProblemNotice } from './parts/notice.tsx'
import { Raw } from './parts/raw.tsx'
import { Time } from './parts/time.tsx'
import { addressOf, anySession, type Route } from './route.ts'
import { useKeys } from './use-keys.ts'
import { useRoute } from './use-route.ts'
import { AlertsView } from './views/alerts.tsx'
import { DetectorView } from './views/detector.tsx'
import { LiveView } from './views/live.tsx'
import { OverviewView } from './views/overview.tsx'
import { SessionView } from './views/session.tsx'
import { SessionsView } from './views/sessions.tsx'
import { UserView } from './views/user.tsx'

/** What is around every view: head, ways to go, foot, shortcuts. */
export function Frame({
  shortcut,
  problem,
}: {
  shortcut: (keys: string) => void
  /** Why the last look at how things are failed, or `null`. */
  problem: Refused | null
}): JSX.Element {
  const { overview, refresh, preferences, choose } = useConsole()
  const content = useRef<HTMLElement>(null)
  const route = useRoute(content)
  const [helps, setHelps] = useState(false)
  useKeys(preferences.keys === 'on', keys => {
    const view = { 'g o': 'overview', 'g l': 'live', 'g s': 'sessions', 'g a': 'alerts' }[keys]
    if (view !== undefined) location.hash = `#/${view === 'overview' ? '' : view}`
    else if (keys === '?') setHelps(true)
    else if (keys === 't') choose({ times: preferences.times === 'exact' ? 'relative' : 'exact' })
    else if (keys === '/' && route.view !== 'sessions') location.hash = '#/sessions?search'
    else shortcut(keys)
  })
  return (
    <>
      {/* A link to a place in the page would change the route. */}
      <button type="button" class="skip" onClick={() => content.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <div class="wrap">
          <a class="brand" href="#/">
            <Mark />
            <span>
              Latchkey <span class="brand-sub">Console</span>
            </span>
          </a>
          <WaysToGo route={route} />
          <div class="account">
            <FeedDot />
            <span class="who">
              <span class="unseen">Signed in as </span>
              <Raw text={overview.me.userId} max={40} />
            </span>
            <button type="button" class="quiet small" aria-label="Keyboard help" onClick={() => setHelps(true)}>
              ?
            </button>
          </div>
        </div>
      </header>
      <main id="content" class="wrap" ref={content} tabIndex={-1}>
        <ProblemNotice problem={problem} again={refresh} />
        <View route={route} />
      </main>
      <footer class="bottom">
        <div class="wrap">
          <OpenFor />
          <Switch
            name="Times"
            value={preferences.times}
            options={{ relative: 'Relative', exact: 'Exact' }}
            choose={times => choose({ times })}
          />
          <Switch
            name="Colours"
            value={preferences.theme}
            options={{ light: 'Light', dark: 'Dark', auto: 'Like my device' }}
            choose={theme => choose({ theme })}
          />
        </div>
      </footer>
      {helps && <HelpDialog close={() => setHelps(false)} />}
    </>
  )
}

function View({ route }: { route: Route }): JSX.Element {
  switch (route.view) {
    case 'overview':
      return <OverviewView />
    case 'live':
      return <LiveView />
    case 'sessions':
      return <SessionsView filter={route.filter} />
    case 'session':
      return <SessionView key={route.sid} sid={route.sid} />
    case 'user':
      return <UserView key={route.id} id={route.id} />
    case 'alerts':
      return <AlertsView key={route.state} state={route.state} />
    case 'detector':
      return <DetectorView key={route.name} name={route.name} />
    default:
      return (
        <>
          <h1>There is nothing here</h1>
          <p class="lead">
            This address leads nowhere. <a href="#/">To the overview</a>
          </p>
        </>
      )
  }
}

function WaysToGo({ route }: { route: Route }): JSX.Element {
  const { overview } = useConsole()
  const { open } = overview.alerts
  const to = (name: string, target: Route) => ({
    href: addressOf(target),
    'aria-current': route.view === target.view ? ('page' as const) : undefined,
    children: name,
  })
  return (
    <nav aria-label="Main">
      <a {...to('Overview', { view: 'overview' })} />
      <a {...to('Live', { view: 'live' })} />
      <a {...to('Sessions', { view: 'sessions', filter: anySession })} />
      <a {...to('Alerts', { view: 'alerts', state: 'open' })}>
        Alerts
        {open > 0 && (
          <span class="badge">
            <span class="unseen">, open: </span>
            {count(open)}
          </span>
        )}
      </a>
    </nav>
  )
}

const feedWords = { live: 'Live', connecting: 'Connecting', waiting: 'Not connected', over: 'Session over' } as const

function FeedDot(): JSX.Element {
  const { feed } = useConsole()
  return (
    <span class="feed-dot">
      <span class={`dot ${feed.at}`} aria-hidden="true" />
      <span class="feed-words">{feedWords[feed.at]}</span>
    </span>
  )
}

/** A console shows and does much, so that it asks again and again who is there. */
function OpenFor(): JSX.Element {
  const { overview } = useConsole()
  const until = Math.min(overview.freshUntil, overview.sessionEndsAt)
  return (
    <p class="open-for">
      You are asked for a proof again <Time at={until} />
    </p>
  )
}

function Switch<Value extends string>({
  name,
  value,
  options,
  choose,
}: {
  name: string
  value: Value
  options: Readonly<Record<Value, string>>
  choose: (value: Value) => void
}): JSX.Element {
  return (
    <fieldset class="segments">
      <legend>{name}</legend>
      {(Object.entries(options) as [Value, string][]).map(([key, label]) => (
        <button key={key} type="button" aria-pressed={value === key} onClick={() => choose(key)}>
          {label}
        </button>
      ))}
    </fieldset>
  )
}

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="m-ground" width="32" height="32" rx="9" />
      <circle class="m-line" cx="12" cy="13" r="5" />
      <path class="m-line" d="m15.6 16.6 8 8m-3-3 2.6-2.6" />
    </svg>
  )
}
