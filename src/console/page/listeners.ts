/** Who wants to be told. */
export interface Listeners<Told> {
  /** Adds one; the returned function removes it. */
  readonly add: (listener: (told: Told) => void) => () => void
  /** Tells all that are there now. */
  readonly tell: (told: Told) => void
}

/** Listeners of one kind. */
export function createListeners<Told>(): Listeners<Told> {
  const all = new Set<(told: Told) => void>()
  return {
    add: listener => {
      all.add(listener)
      return () => all.delete(listener)
    },
    tell: told => {
      for (const listener of [...all]) listener(told)
    },
  }
}
