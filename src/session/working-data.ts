import { type Changes, changesSince, merge, type PlainData, parseData } from './changes.ts'

/** The data of a session while a request works on it: a plain object, and what of it is not saved yet. */
export class WorkingData {
  #object: PlainData | null = null
  /** JSON of the data as far as it is saved or being saved: where the object differs from it, a change is unsaved. */
  #saved = '{}'
  #settled = false

  /** The object, made from the session's JSON at first use. */
  open(json: string): PlainData {
    if (!this.#object) {
      this.#saved = json
      this.#object = parseData(json)
    }
    // A change that nobody will write must fail where it is made, not vanish.
    if (this.#settled) Object.freeze(this.#object)
    return this.#object
  }

  /** What is not saved yet; once settled that was written or dropped, and is never to be written again. */
  changes(): Changes | null {
    return this.#object && !this.#settled ? changesSince(this.#saved, this.#object) : null
  }

  /** Awaits a write that takes unsaved changes along; when it fails they are unsaved again. */
  async saving<Result>(unsaved: Changes | null, write: Promise<Result>): Promise<Result> {
    const before = this.#saved
    if (unsaved) this.#saved = unsaved.after
    try {
      return await write
    } catch (error) {
      this.#saved = before
      throw error
    }
  }

  /** Puts newly read data into the object that the application already holds, underneath its unsaved changes. */
  refresh(json: string): void {
    if (!this.#object || Object.isFrozen(this.#object)) return
    const data = parseData(merge(json, this.changes()))
    this.#saved = json
    for (const key of Object.keys(this.#object)) delete this.#object[key]
    // A plain assignment to `__proto__` would change the prototype instead of the data.
    Object.defineProperties(this.#object, Object.getOwnPropertyDescriptors(data))
  }

  /** What is there now belongs to somebody else: it counts as saved, so that the next `refresh` takes it away. */
  disown(): void {
    if (this.#object) this.#saved = JSON.stringify(this.#object)
  }

  /** Starts over with nothing. */
  forget(): void {
    this.#object = null
    this.#saved = '{}'
  }

  /** The last changes of the request; from now on there are no more. */
  settle(): Changes | null {
    const changes = this.changes()
    this.#settled = true
    if (this.#object) Object.freeze(this.#object)
    return changes
  }
}
