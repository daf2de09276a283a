import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useConsole } from '../console-context.ts'
import { ActiveNow } from '../parts/active-now.tsx'
import { Entries } from '../parts/entries.tsx'
import { Empty } from '../parts/notice.tsx'
import { OpenAlerts } from '../parts/open-alerts.tsx'
import { Trends } from '../parts/trends.tsx'
import { WatchHealth } from '../parts/watch-health.tsx'
import type { RangeName } from '../ranges.ts'
import { addressOf } from '../route.ts'

/** Everything at a glance. */
export function OverviewView(): JSX.Element {
  const { overview, recent } = useConsole()
  const [range, setRange] = useState<RangeName>('24h')
  return (
    <>
      <h1>Overview</h1>
      <WatchHealth stats={overview.watch} />
      <div class="overview-top">
        <ActiveNow overview={overview} />
        <OpenAlerts />
      </div>
      <Trends range={range} choose={setRange} />
      <section class="card" aria-labelledby="latest">
        <div class="section-head">
          <h2 id="latest">Latest</h2>
          <a href={addressOf({ view: 'live' })}>Follow live</a>
        </div>
        {recent.entries.length === 0 ? (
          <Empty title="Nothing has happened yet.">As soon as somebody signs in, it is here.</Empty>
        ) : (
          <Entries entries={recent.entries.slice(0, 8)} label="Latest entries" />
        )}
      </section>
    </>
  )
}
