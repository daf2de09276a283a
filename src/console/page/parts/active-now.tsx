import type { JSX } from 'preact'
import type { Census, Overview } from '../../api.ts'
import { count } from '../numbers.ts'
import { addressOf, anySession, type SessionFilter } from '../route.ts'
import { levels } from '../words/reasons.ts'

/** How many sessions there are now, of which level and carrier, each with the way to them. */
export function ActiveNow({ overview }: { overview: Overview }): JSX.Element {
  const { census } = overview
  return (
    <section class="card active-now" aria-labelledby="active-now">
      <h2 id="active-now">Active sessions</h2>
      {census === null ? (
        <p class="soft">
          This store keeps no list of sessions, so nobody can count them
          {overview.revocable ? '' : ', or end them from here'}.
        </p>
      ) : (
        <Counted census={census} />
      )}
    </section>
  )
}

function Counted({ census }: { census: Census }): JSX.Element {
  const { total, exact, byLevel, byCarrier } = census
  const share = (value: number) => (exact ? count(value) : `about ${count(value)}`)
  const ofLevel = (level: string) => byLevel[level] ?? 0
  return (
    <>
      <p class="big-number">{count(total)}</p>
      <LevelBar census={census} />
      <dl class="shares">
        {['0', '1', '2', '3'].map(level => (
          <Share
            key={level}
            mark={`level-mark level-${level}`}
            name={levels.get(level) ?? level}
            value={share(ofLevel(level))}
            filter={{ level }}
          />
        ))}
      </dl>
      <dl class="shares carriers">
        <Share name="In browsers" value={share(byCarrier.cookie ?? 0)} filter={{ carrier: 'cookie' }} />
        <Share name="In programs" value={share(byCarrier.bearer ?? 0)} filter={{ carrier: 'bearer' }} />
      </dl>
    </>
  )
}

function Share({
  mark,
  name,
  value,
  filter,
}: {
  mark?: string
  name: string
  value: string
  filter: Partial<SessionFilter>
}): JSX.Element {
  return (
    <div>
      <dt>
        {mark !== undefined && <span class={mark} aria-hidden="true" />}
        <a href={addressOf({ view: 'sessions', filter: { ...anySession, ...filter } })}>{name}</a>
      </dt>
      <dd>{value}</dd>
    </div>
  )
}

/** Shares of the levels as one bar; the numbers beneath say the same. */
function LevelBar({ census: { byLevel } }: { census: Census }): JSX.Element {
  const all = ['0', '1', '2', '3'].map(level => byLevel[level] ?? 0)
  const sum = Math.max(
    1,
    all.reduce((before, value) => before + value, 0),
  )
  let left = 0
  return (
    <svg class="level-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="level-none" width="100" height="4" />
      {all.map((value, level) => {
        const [x, width] = [left, (value / sum) * 100]
        left += width
        return <rect key={level} class={`level-${level}`} x={x} width={width} height="4" />
      })}
    </svg>
  )
}
