import type { SessionDirectory, SessionPage, StoredRecord } from '../../session/store.ts'
import { noCursor } from '../directory-cursor.ts'
import { explained, isOtherType } from './failure.ts'
import { isSid, type Keys, tagOf, tags } from './keys.ts'
import type { Link } from './link.ts'
import { readRecord } from './record-text.ts'
import type { Script, Scripts } from './scripts.ts'

/** What the directory needs of its store. */
export interface Listing {
  readonly link: Pick<Link, 'read'>
  readonly keys: Keys
  readonly scripts: Scripts
  /** Whether a script may ask several tags at once, which lie on several nodes of a cluster. */
  readonly isCluster: boolean
  /** Runs a script on the node that has the tag. */
  run(tag: string, script: Script, keys: string[], args: string[]): Promise<unknown>
}

/** The most tags that one page looks into, so that it is there soon where nearly all are empty. */
const tagsOfPage = 1_024
/** Tags of one call: where each costs nothing, and where all their entries are looked at. */
const manyTags = 256
const fewTags = 16
/** Calls under way at a time: others have theirs in between. */
const callsAtOnce = 256
/** Up to so many entries of the indexes each is looked at; of more, so many. */
const countedOneByOne = 50_000
const drawn = 2_000

/**
 * All live records, tag by tag and in each by sid. An index may name sids whose record has expired, up to about as many as
 * live (see `tidy` in scripts.ts): these are passed over, and where there are many the share of the living is estimated.
 */
export class RedisDirectory implements SessionDirectory {
  readonly #listing: Listing

  constructor(listing: Listing) {
    this.#listing = listing
  }

  async page(cursor: string | null, limit: number): Promise<SessionPage> {
    const { sids, next } = await this.#sidsAfter(cursor, limit)
    return { records: await this.#load(sids), next }
  }

  async count(): Promise<number> {
    const sizes = await this.#sizes()
    const entries = sum(sizes)
    if (entries > countedOneByOne) {
      const { length } = await this.#draw(sizes, drawn)
      // Where nearly all have expired, what is left of a few would be a guess.
      if (length > drawn / 10) return Math.round((entries * length) / drawn)
    }
    const counts = await this.#askTags(this.#listing.scripts.countTags, used(sizes), fewTags)
    return sum(counts.map(Number))
  }

  async sample(size: number): Promise<StoredRecord[]> {
    const sizes = await this.#sizes()
    if (sum(sizes) > countedOneByOne) {
      const found = await this.#draw(sizes, size)
      const more = found.length < size / 2 ? await this.#draw(sizes, size) : []
      return [...new Map([...found, ...more].map(record => [record.sid, record])).values()]
    }
    const left = shuffled((await this.#sidsOf(used(sizes), manyTags)).flat())
    const found: StoredRecord[] = []
    while (left.length > 0 && found.length < size)
      found.push(...(await this.#load(left.splice(0, size - found.length))))
    return found
  }

  /** The next sids of the indexes. A cursor is the sid that was last, or a tag that was not begun. */
  async #sidsAfter(cursor: string | null, limit: number): Promise<{ sids: string[]; next: string | null }> {
    const sids: string[] = []
    let index = cursor === null ? 0 : tags.indexOf(tagIn(cursor))
    let after = cursor ?? ''
    const last = Math.min(index + tagsOfPage, tags.length)
    // One tag, where it has enough. Where it has not, nearly all are empty.
    for (let atOnce = 1; index < last; atOnce = Math.min(4 * atOnce, manyTags)) {
      const asked = tags.slice(index, Math.min(index + atOnce, last))
      for (const found of await this.#sidsOf(asked, manyTags)) {
        sids.push(...found.filter(sid => sid > after).sort())
        if (sids.length >= limit) return { sids: sids.slice(0, limit), next: sids[limit - 1] ?? null }
        after = ''
        index += 1
      }
    }
    return { sids, next: tags[index] ?? null }
  }

  /** The live records of these sids, without those that expired, ended or are damaged. */
  async #load(sids: readonly string[]): Promise<StoredRecord[]> {
    const records = await inPieces(sids, async sid => {
      try {
        const text = await this.#listing.link.read(tagOf(sid), ['GET', this.#listing.keys.record(sid)])
        return text === null ? null : liveOrNull(sid, text)
      } catch (error) {
        if (isOtherType(error)) return null
        throw explained(error)
      }
    })
    return records.filter(record => record !== null)
  }

  /** How many entries the index of each tag has. */
  async #sizes(): Promise<number[]> {
    return (await this.#askTags(this.#listing.scripts.sizes, tags, manyTags)).map(Number)
  }

  /** The sids in the index of each tag. */
  async #sidsOf(asked: readonly string[], atOnce: number): Promise<string[][]> {
    return (await this.#askTags(this.#listing.scripts.sids, asked, atOnce)) as string[][]
  }

  /** Picks so many entries of the indexes, at even distances, and answers with those that live. */
  async #draw(sizes: readonly number[], size: number): Promise<StoredRecord[]> {
    const distance = sum(sizes) / size
    let next = Math.random() * distance
    const picks = sizes.map(entries => {
      let picked = 0
      for (; next < entries; next += distance) picked += 1
      next -= entries
      return picked
    })
    const counts = new Map(tags.map((tag, index) => [tag, String(picks[index] ?? 0)]))
    const found = (await this.#askTags(this.#listing.scripts.pick, used(picks), fewTags, counts)) as string[]
    const records: (StoredRecord | null)[] = []
    for (let i = 0; i + 1 < found.length; i += 2) records.push(liveOrNull(found[i] ?? '', found[i + 1]))
    return records.filter(record => record !== null)
  }

  /** Runs a script that takes tags, as many at once as the server takes; the answers of all calls in one list. */
  async #askTags(
    script: Script,
    asked: readonly string[],
    atOnce: number,
    args: ReadonlyMap<string, string> | null = null,
  ): Promise<unknown[]> {
    const { keys, isCluster, run } = this.#listing
    const step = isCluster ? 1 : atOnce
    const groups = Array.from({ length: Math.ceil(asked.length / step) }, (_, i) =>
      asked.slice(i * step, (i + 1) * step),
    )
    const answers = await inPieces(groups, group => {
      const given = args ? group.map(tag => args.get(tag) ?? '0') : []
      return run(
        group[0] ?? '',
        script,
        group.map(tag => keys.tag(tag)),
        given,
      )
    })
    return (answers as unknown[][]).flat()
  }
}

/** The tags that have any. */
function used(sizes: readonly number[]): string[] {
  return tags.filter((_, index) => sizes[index] !== 0)
}

/** The tag that a cursor stands in. */
function tagIn(cursor: string): string {
  const tag = tagOf(cursor)
  return (cursor === tag || isSid(cursor)) && tags.includes(tag) ? tag : noCursor()
}

function liveOrNull(sid: string, text: unknown): StoredRecord | null {
  try {
    const record = readRecord(sid, text)
    return record.ended ? null : record
  } catch {
    return null
  }
}

/** Asks about all items, some at a time, and answers in their order. */
async function inPieces<Item, Answer>(items: readonly Item[], ask: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let from = 0; from < items.length; from += callsAtOnce) {
    answers.push(...(await Promise.all(items.slice(from, from + callsAtOnce).map(ask))))
  }
  return answers
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map(item => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
