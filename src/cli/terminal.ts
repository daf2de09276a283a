/** Where a command writes. */
export interface Terminal {
  /** Writes a line of the result. */
  out(text: string): void
  /** Writes a line about a problem. */
  error(text: string): void
  /** Whether colours are understood. */
  readonly color: boolean
}
