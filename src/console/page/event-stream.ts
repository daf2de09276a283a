/**
 * Reads server-sent events (HTML Living Standard, 9.2.6) out of the pieces that a response comes in. `EventSource` would do
 * the same, but neither tells why a connection was refused nor goes on from an event of ours after an error.
 */

/** One event as it was sent. */
export interface StreamEvent {
  /** `message` when it has no name. */
  readonly name: string
  /** Its lines, joined again. */
  readonly data: string
  /** The last id that was sent, with this event or before it; `''` when there was none. */
  readonly id: string
}

/** Takes text piece by piece, wherever it was cut, and gives the events that are complete with it. */
export function createEventReader(): (text: string) => StreamEvent[] {
  let rest = ''
  let name = ''
  let id = ''
  let data: string[] = []

  const field = (line: string) => {
    const colon = line.indexOf(':')
    // A line that begins with a colon is a comment: a sign of life.
    if (colon === 0) return
    const key = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (key === 'event') name = value
    else if (key === 'data') data.push(value)
    else if (key === 'id' && !value.includes('\0')) id = value
  }

  return text => {
    const events: StreamEvent[] = []
    rest += text
    // A CR at the end may be half of a line's end.
    const whole = rest.endsWith('\r') ? rest.length - 1 : rest.length
    const lines = rest.slice(0, whole).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + rest.slice(whole)
    for (const line of lines) {
      if (line !== '') {
        field(line)
        continue
      }
      if (data.length > 0) events.push({ name: name || 'message', data: data.join('\n'), id })
      name = ''
      data = []
    }
    return events
  }
}
