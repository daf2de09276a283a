import type { Alert, AuditEntry, Point, TrailQuery, Watch } from 'latchkey/watch'

const calm = { waiting: 0, lost: 0 }

/** A watch that has what a test puts into it, and remembers what was done by hand. */
export interface ConsoleWatch extends Watch {
  /** The trail, oldest first. */
  readonly trail: AuditEntry[]
  readonly raised: Alert[]
  readonly numbers: Point[]
  /** `operation target by`, in order. */
  readonly acted: string[]
  /** How often the trail was asked. */
  asked: number
  /** Set: the store is away, and everything that asks it fails with this. */
  fault: Error | null
}

/** An entry of the trail. */
export function entryOf(seq: number, at: number, more: Partial<AuditEntry> = {}): AuditEntry {
  const nobody = { sid: null, userId: null, address: null, userAgent: null }
  const entry = { chain: 'c'.repeat(22), seq, at, type: 'session.created', severity: 'info', ...nobody } as const
  return { ...entry, detail: {}, mac: 'm'.repeat(43), ...more }
}

/** An alert. */
export function alertOf(id: string, at: number, more: Partial<Alert> = {}): Alert {
  const about = { detector: 'token-replay', fingerprint: id, severity: 'alert', evidence: {} } as const
  const nobody = { sid: null, userId: null, address: null }
  return { id, ...about, ...nobody, state: 'open', count: 1, firstAt: at, lastAt: at, moved: null, ...more }
}

/** Makes one. */
export function consoleWatch(clock: () => number): ConsoleWatch {
  const trail: AuditEntry[] = []
  const raised: Alert[] = []
  const move = (id: string, from: Alert['state'][], state: 'acknowledged' | 'closed', by: string): Alert | null => {
    const index = raised.findIndex(alert => alert.id === id && from.includes(alert.state))
    const alert = raised[index]
    if (!alert) return null
    const moved = { ...alert, state, moved: { by, at: clock() } }
    raised[index] = moved
    return moved
  }
  const assertThere = () => {
    if (watch.fault) throw watch.fault
  }
  const watch: ConsoleWatch = {
    trail,
    raised,
    numbers: [],
    acted: [],
    asked: 0,
    fault: null,
    async entries({ limit, since = 0, until = Number.POSITIVE_INFINITY, sid, userId, types }: TrailQuery) {
      watch.asked += 1
      assertThere()
      const found = trail
        .toSorted((one, other) => one.at - other.at)
        .filter(({ at }) => at >= since && at < until)
        .filter(entry => sid === undefined || entry.sid === sid)
        .filter(entry => userId === undefined || entry.userId === userId)
        .filter(entry => types === undefined || types.includes(entry.type))
        .toReversed()
      return { entries: found.slice(0, limit), next: found.length > limit ? 'next' : null }
    },
    async alerts({ state, detector, sid, userId }) {
      assertThere()
      const alerts = raised
        .filter(alert => state === undefined || alert.state === state)
        .filter(alert => detector === undefined || alert.detector === detector)
        .filter(alert => sid === undefined || alert.sid === sid)
        .filter(alert => userId === undefined || alert.userId === userId)
      return { alerts, next: null }
    },
    alert: async id => raised.find(alert => alert.id === id) ?? null,
    async countAlerts() {
      assertThere()
      const count = (state: Alert['state']) => raised.filter(alert => alert.state === state).length
      return { open: count('open'), acknowledged: count('acknowledged') }
    },
    acknowledge: async (id, by) => move(id, ['open'], 'acknowledged', by),
    closeAlert: async (id, by) => move(id, ['open', 'acknowledged'], 'closed', by),
    operatorActed: (operation, target, by) => void watch.acted.push(`${operation} ${target} ${by}`),
    async points(names, from, to) {
      return watch.numbers.filter(
        ({ name, minute }) => (names as readonly string[]).includes(name) && minute >= from && minute < to,
      )
    },
    subscribe: () => () => {},
    stats: () => ({
      queued: 0,
      written: trail.length,
      dropped: 0,
      sinks: [],
      hits: {},
      signals: calm,
      detections: calm,
    }),
    flush: async () => {},
    close: async () => {},
  }
  return watch
}
