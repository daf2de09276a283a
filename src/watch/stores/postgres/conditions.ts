/** What rows must fulfil, and the parameters of that, in one order. */
export class Conditions {
  /** The parameters: `$1` is the first. */
  readonly values: unknown[] = []
  readonly #texts: string[] = []

  /** Adds one; each `?` in it becomes the parameter of that place. */
  add(text: string, ...values: unknown[]): void {
    this.#texts.push(text.replaceAll('?', () => this.parameter(values.shift())))
  }

  /** The placeholder of one more value. */
  parameter(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** All of it as a clause, empty when there is none. */
  get where(): string {
    return this.#texts.length === 0 ? '' : `WHERE ${this.#texts.join(' AND ')}`
  }
}
