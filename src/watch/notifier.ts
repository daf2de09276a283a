import type { Alert } from './store.ts'

/** Who is told about alerts: a webhook, a mailbox, a syslog server. */
export interface Notifier {
  /** Short name for messages, for example `webhook`. */
  readonly name: string
  /** Delivers one notice. Rejects when that failed; it is then tried again. Gives up when the signal fires. */
  notify(notice: Notice, signal: AbortSignal): Promise<void>
}

/** What is delivered: an alert that is new, or one that got worse. */
export interface Notice {
  readonly alert: Alert
  /** It was there before and is more urgent now, `alert` instead of `warning`: what it was may have been told, this was not. */
  readonly isWorse: boolean
  /** One sentence for a person, without hostile characters: no line break, no control character. */
  readonly text: string
  /** How many further alerts, new or worse, it stands for, because they came too fast to be told one by one. Mostly 0. */
  readonly others: number
}
