/** What the program that is killed reports to the test that kills it: each thing it asks of a store, and each answer. */
export type Report = { readonly store: string; readonly id: number } & (Ask | Answer)

export type Ask =
  | { readonly does: 'create'; readonly sid: string; readonly userId: string | null; readonly evicting: boolean }
  | { readonly does: 'save'; readonly sid: string; readonly version: number }
  | { readonly does: 'end'; readonly sid: string }
  | { readonly does: 'endUser'; readonly userId: string; readonly except: string | null; readonly generation: number }

/** Everything that was asked under the same id was done; `evicted` sessions had to go, and a save that is not `saved` was not. */
export type Answer = { readonly does: 'answered'; readonly evicted?: readonly string[]; readonly saved?: boolean }

/** Few, so that their sessions meet. */
export const users: readonly string[] = ['alice', 'bob', 'carol']

/** The body that a session must have at a version: mostly short, now and then so long that writing it takes a while. */
export function bodyOf(sid: string, version: number): string {
  const length = sid.charCodeAt(version % sid.length) % 8 === 0 ? 60_000 : 300
  return `${sid} ${version} `.repeat(Math.ceil(length / (sid.length + 4)))
}
