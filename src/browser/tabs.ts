/** What one tab tells all others of this origin. Never a key or a token: a tab that needs one asks the server itself. */
export interface Telling {
  /** Whose session this tab saw last; `null` when nobody's. */
  readonly subject: string | null
  /** Whether the user asked to sign out. */
  readonly onPurpose: boolean
}

/** A line to the other tabs. */
export interface Tabs {
  /** Tells all others. */
  tell(telling: Telling): void
  /** Cuts the line: a page that is kept in memory for the back button would otherwise be thrown out of it. */
  close(): void
}

/** Opens a line; `heard` gets what others tell. */
export function openTabs(heard: (telling: Telling) => void): Tabs {
  const channel = new BroadcastChannel('latchkey')
  channel.onmessage = ({ data }) => heard(data)
  return { tell: telling => channel.postMessage(telling), close: () => channel.close() }
}
