import Bowser from 'bowser'

/**
 * What a `User-Agent` says, as its owner would: "Firefox on Linux". It is what the client chose to say, so it helps an
 * honest person to recognise their own devices and proves nothing.
 */
export function deviceLabel(userAgent: string | null): string {
  if (userAgent === null || userAgent.trim() === '') return 'Something that does not say what it is'
  const { browser, os } = Bowser.parse(userAgent)
  if (browser.name && os.name) return `${browser.name} on ${os.name}`
  // A program: its first word is its name, such as "curl/8.5.0".
  return browser.name || os.name || (userAgent.split(/[\s/(]/, 1)[0] ?? userAgent)
}
