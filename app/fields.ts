/** A text field of a parsed body. `null` when it is missing, sent several times or not text: JSON can hold anything. */
export function textField(body: unknown, name: string): string | null {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return null
  const value: unknown = (body as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : null
}

/** Whether a checkbox was ticked, or a flag in JSON set. */
export function ticked(body: unknown, name: string): boolean {
  if (
    typeof body === 'object' &&
    body !== null &&
    Object.hasOwn(body, name) &&
    (body as Record<string, unknown>)[name] === true
  )
    return true
  return !['', '0', 'false', 'off'].includes(textField(body, name) ?? '')
}

/** What the JSON in a text field says; `undefined` when it is missing or no JSON. */
export function jsonField(body: unknown, name: string): unknown {
  try {
    return JSON.parse(textField(body, name) ?? '')
  } catch {
    return undefined
  }
}
