import type { HeaderRow } from './views/inspect-page.ts'

const mask = '••••••••'

/** The one cookie whose value is nobody's secret. */
const harmlessCookie = 'inspect_demo'

const secretHeaders = new Set(['authorization', 'proxy-authorization', 'x-csrf-token', 'x-csrftoken', 'dpop'])

/**
 * Headers as they may be shown: the session token is the one thing that must never be in a page (ASVS 3.3.4). Every
 * cookie is covered but the harmless one: a list of what to hide would miss the cookie that is added next year.
 */
export function maskedHeaders(
  headers: Readonly<Record<string, number | string | readonly string[] | undefined>>,
): HeaderRow[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const values = value === undefined ? [] : typeof value === 'object' ? value : [String(value)]
    return values.map((text): HeaderRow => [name, maskedValue(name.toLowerCase(), text)])
  })
}

function maskedValue(name: string, value: string): string {
  if (secretHeaders.has(name)) return mask
  if (name === 'cookie') return value.split(';').map(maskedPair).join(';')
  if (name !== 'set-cookie') return value
  const [pair = '', ...attributes] = value.split(';')
  return [maskedPair(pair), ...attributes].join(';')
}

function maskedPair(pair: string): string {
  const [name = '', ...value] = pair.split('=')
  if (value.length === 0) return mask
  return name.trim() === harmlessCookie ? pair : `${name}=${mask}`
}
