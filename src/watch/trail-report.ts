/** What is wrong at a place in a chain. */
export interface BrokenLink {
  /** The chain. */
  readonly chain: string
  /** The first entry of it that is not as it was written, or is not there. */
  readonly seq: number
  /**
   * - `changed`: this entry, or where it stands, was changed, or nobody with the key wrote it, or lists show something else.
   * - `missing`: it is not there, and later ones are.
   * - `cut-at-start`: the chain begins later, and no pruning accounts for that.
   * - `cut-at-end`: an entry of another chain, or an anchor, knows it; and nothing is there from here on.
   * - `chain-missing`: the same, and nothing of the chain is there at all.
   * - `unknown-key`: nobody can tell, because the key of the chain is not known here; or somebody invented the chain.
   */
  readonly what: 'changed' | 'missing' | 'cut-at-start' | 'cut-at-end' | 'chain-missing' | 'unknown-key'
}

/** How one chain is. */
export interface ChainReport {
  readonly chain: string
  /** How many entries of it were read. */
  readonly entries: number
  /** Numbers of its first and its last entry; 0 when there is none. */
  readonly first: number
  readonly last: number
  /** When its first and last entry happened, epoch ms, or `null`. */
  readonly firstAt: number | null
  readonly lastAt: number | null
  /** Whether its process stopped in order. If not, it runs, or died: then its last entries may have been lost, or cut off. */
  readonly isClosed: boolean
  /** Its first broken link, or `null` when it is whole. */
  readonly broken: BrokenLink | null
  /**
   * What is in order, and worth a look; or `null`. `old-key`: it began under an older secret although others had begun under the
   * newest before: a process was started with an old configuration, or somebody has the old secret.
   */
  readonly note: 'old-key' | null
}

/** What `verifyTrail` found. */
export interface TrailReport {
  /** Whether every chain is whole and nothing `unreadable`. An empty trail is whole: pass anchors to know that there was something. */
  readonly isWhole: boolean
  /** How many entries were read. */
  readonly entries: number
  /** Rows from which no entry can be read, so that lists leave them out. Nobody with the key wrote them so. */
  readonly unreadable: number
  /** Every chain that is there or should be, those that began first in front. */
  readonly chains: readonly ChainReport[]
}
