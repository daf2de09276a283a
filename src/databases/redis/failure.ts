/** What an operator can do about the first word of an error that Redis answers with. */
export type RedisAdvice = Readonly<Record<string, string>>

/** What is the same whatever is kept there. */
export const usualAdvice: RedisAdvice = {
  NOAUTH: 'Redis asks for a password. Give it to the client: createClient({ username, password }).',
  WRONGPASS: 'Redis refuses the user name or the password that the client was given. Correct them.',
  LOADING: 'Redis is loading its data after a start. It will answer when that is done.',
  CLUSTERDOWN: 'The Redis Cluster is down: slots have no master. See CLUSTER INFO and CLUSTER NODES on any node.',
  MISCONF: 'Redis cannot save to its disk and therefore refuses writes. Look into its log, and at the disk.',
  MOVED: 'This Redis server is a node of a Redis Cluster: make the client with createCluster.',
}

/** Whether the script was refused before it began, because the node does not know it (after SCRIPT FLUSH, a start, a failover). */
export function isUnknownScript(error: unknown): boolean {
  return firstWord(error) === 'NOSCRIPT'
}

/** The word in capitals that an error of Redis begins with; empty when it begins otherwise. */
export function firstWord(error: unknown): string {
  return /^[A-Z]+/.exec(messageOf(error))?.[0] ?? ''
}

/** What was said, of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
