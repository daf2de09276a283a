import { longestAboutMe } from './users.ts'

/** What is wrong with a new "about me", or `null`. */
export function aboutMeProblem(text: string | null): string | null {
  if (text === null) return 'The text about you is missing.'
  if (text.length > longestAboutMe) return `That is ${text.length} characters; ${longestAboutMe} fit.`
  if (/[^\P{Cc}\n\t]/u.test(text))
    return 'Only letters, signs and line breaks, please: there is a control character in the text.'
  return null
}
