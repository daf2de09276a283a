/** Where a command writes, and whom it asks. */
export interface Terminal {
  /** Writes a line of the result. */
  out(text: string): void
  /** Writes a line about a problem. */
  error(text: string): void
  /** Whether colours are understood. */
  readonly color: boolean
  /** Shows in one line how far something is, until the next one takes its place; `''` takes it away. Absent where nobody looks. */
  status?(text: string): void
  /** Asks a question and resolves to the line that was typed. Absent where nobody sits. */
  ask?(question: string): Promise<string>
}
