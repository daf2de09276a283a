/** NIST SP 800-63B-4 3.1.1.2: 15 characters where the password stands alone, 8 where a second factor stands beside it. */
const shortestAlone = 15
const shortestBeside = 8
/** Hashing takes longer with every character; passphrases of people are far below. */
export const longestPassword = 256

/** How many characters a new password needs. */
export function shortestPassword(hasSecondFactor: boolean): number {
  return hasSecondFactor ? shortestBeside : shortestAlone
}

/** What is wrong with a new password, or `null`. No rules about kinds of characters: they make passwords worse (NIST 3.1.1.2). */
export function passwordProblem(
  password: string,
  { username, hasSecondFactor }: { readonly username: string; readonly hasSecondFactor: boolean },
): string | null {
  const characters = [...password].length
  const shortest = shortestPassword(hasSecondFactor)
  if (characters < shortest) return `That has ${characters} characters; at least ${shortest} are needed.`
  if (characters > longestPassword) return `That has ${characters} characters; at most ${longestPassword} fit.`
  if (!password.isWellFormed() || password.includes('\0')) return 'There is a character in it that is none.'
  const bare = password.toLowerCase().replaceAll(username, '')
  if (bare.trim() === '') return 'That is your user name. Everybody knows it.'
  if (new Set(bare).size === 1) return 'That is one character over and over. Guessers try that first.'
  return null
}
