import type { AuditEntry } from './entry.ts'

/** Where copies of audit entries go, beside the trail: a log shipper, a logger, a collector. */
export interface Sink {
  /** Short name for messages, for example `json-lines`. */
  readonly name: string
  /**
   * Takes entries in their order, at most 500. The next ones come when it resolved; meanwhile they wait in a bounded queue.
   * When it rejects, or takes longer than 5 s, the same ones are tried again later, so that an entry may come twice: `chain`
   * and `seq` tell. The signal fires when nobody waits for it any more.
   */
  write(entries: readonly AuditEntry[], signal: AbortSignal): Promise<void>
  /** Finishes what is under way. */
  close?(): Promise<void>
}
