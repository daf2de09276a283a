/** What happens when: a heap of things to do, taken out in the order of their time. */
export class Timetable {
  readonly #heap: { at: number; order: number; run: () => Promise<void> | void }[] = []
  #order = 0

  get length(): number {
    return this.#heap.length
  }

  /** When the next thing happens. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  add(at: number, run: () => Promise<void> | void): void {
    const heap = this.#heap
    let place = heap.length
    const item = { at, order: this.#order++, run }
    heap.push(item)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (!parent || !isBefore(item, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = item
  }

  /** Takes out the next thing. */
  take(): { at: number; run: () => Promise<void> | void } | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      const [left, right] = [heap[below], heap[below + 1]]
      if (left && right && isBefore(right, left)) below += 1
      const child = heap[below]
      if (!child || !isBefore(child, last)) break
      heap[place] = child
      place = below
    }
    heap[place] = last
    return first
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
