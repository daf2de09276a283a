import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Alert, AlertsAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { count } from '../numbers.ts'
import { AlertCard } from '../parts/alert-card.tsx'
import { placed } from '../parts/alert-list.tsx'
import { More } from '../parts/more.tsx'
import { Busy, Empty } from '../parts/notice.tsx'
import { addressOf } from '../route.ts'
import { usePages } from '../use-pages.ts'

const empties: Record<Alert['state'], readonly [title: string, why: string]> = {
  open: ['Nothing to look after.', 'When a detector finds something, it is here and in the live feed at once.'],
  acknowledged: ['Nobody is taking care of an alert.', 'Acknowledge one, so that others see that somebody does.'],
  closed: ['No alert was closed lately.', 'Closed ones stay here as long as the retention says.'],
}

/** Alerts by where they are in their life. */
export function AlertsView({ state }: { state: Alert['state'] }): JSX.Element {
  const { client, onAlert, onShortcut, overview } = useConsole()
  const list = useRef<HTMLUListElement>(null)
  const pages = usePages<Alert>(`alerts ${state}`, async (cursor, signal) => {
    const { alerts, next } = await client.get<AlertsAnswer>('alerts', { state, cursor, limit: 50 }, signal)
    return { items: alerts, next, examined: alerts.length }
  })
  const { change } = pages
  useEffect(() => onAlert(alert => change(items => placed(items, alert, state))), [onAlert, change, state])
  useEffect(() => onShortcut(keys => actOn(list.current, keys)), [onShortcut])
  const moved = (alert: Alert) => {
    focusBeside(list.current, alert.id)
    change(items => placed(items, alert, state))
  }
  const counts = { open: overview.alerts.open, acknowledged: overview.alerts.acknowledged, closed: null }
  return (
    <>
      <h1>Alerts</h1>
      <nav class="tabs" aria-label="Alerts by state">
        {(['open', 'acknowledged', 'closed'] as const).map(one => (
          <a
            key={one}
            href={addressOf({ view: 'alerts', state: one })}
            aria-current={one === state ? 'page' : undefined}
          >
            {one.charAt(0).toUpperCase() + one.slice(1)}
            {counts[one] !== null && <span class="badge">{count(counts[one] ?? 0)}</span>}
          </a>
        ))}
      </nav>
      {pages.items.length === 0 && pages.busy && <Busy />}
      {pages.items.length === 0 && !pages.busy && pages.problem === null && (
        <div class="card">
          <Empty title={empties[state][0]}>{empties[state][1]}</Empty>
        </div>
      )}
      <ul class="alert-list" ref={list}>
        {pages.items.map(alert => (
          <AlertCard key={alert.id} alert={alert} moved={moved} />
        ))}
      </ul>
      {(pages.items.length > 0 || pages.problem !== null) && <More pages={pages} name="alerts" />}
    </>
  )
}

function cardsOf(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('[data-alert]') ?? [])]
}

function titleIn(card: HTMLElement | undefined): HTMLElement | null {
  return card?.querySelector<HTMLElement>('.alert-title') ?? null
}

/** `j` and `k` walk through the list, `a` and `c` move the alert that the focus is in. */
function actOn(list: HTMLElement | null, keys: string): void {
  const cards = cardsOf(list)
  const at = cards.findIndex(card => card.contains(document.activeElement))
  if (keys === 'j') titleIn(cards[Math.min(at + 1, cards.length - 1)])?.focus()
  if (keys === 'k') titleIn(cards[Math.max(at - 1, 0)])?.focus()
  const move = { a: 'acknowledge', c: 'close' }[keys]
  if (move !== undefined) cards[at]?.querySelector<HTMLElement>(`[data-move="${move}"]`)?.click()
}

/** The card that was acted on goes away: the focus goes to the next one, and not to nowhere. */
function focusBeside(list: HTMLElement | null, id: string): void {
  const cards = cardsOf(list)
  const at = cards.findIndex(card => card.dataset.alert === id)
  if (at < 0 || !cards[at]?.contains(document.activeElement)) return
  const beside = titleIn(cards[at + 1] ?? cards[at - 1])
  if (beside !== null) beside.focus()
  else document.querySelector<HTMLElement>('h1')?.focus()
}
