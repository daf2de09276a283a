/** Something went wrong with a request in a way that the person in front can be told. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  /** What happened, in a few words. */
  readonly title: string
  /** What to do about it. */
  readonly advice: string
  /** Extra headers of the answer. */
  readonly headers: Readonly<Record<string, string>>

  /** `forPrograms` is what JSON says, for a program that cannot go back and reload; default: title and advice. */
  constructor(
    status: number,
    title: string,
    advice: string,
    headers: Readonly<Record<string, string>> = {},
    forPrograms = `${title}. ${advice}`,
  ) {
    super(forPrograms)
    this.status = status
    this.title = title
    this.advice = advice
    this.headers = headers
  }
}

/** The problem of too many sign-ins. Says the same for accounts that exist and for those that do not. */
export function tooManySignIns(seconds: number): Problem {
  const wait =
    seconds < 90 ? `${seconds} ${seconds === 1 ? 'second' : 'seconds'}` : `${Math.ceil(seconds / 60)} minutes`
  return new Problem(429, 'Too many attempts', `Please wait ${wait}, then try again.`, {
    'retry-after': String(seconds),
  })
}

/** The problem behind whatever was thrown. What nobody foresaw becomes a 500 that gives nothing away (ASVS 16.5.1). */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const { code, type, status, headers, message } = facts(error)
  const told = (status: number, title: string, advice: string) => new Problem(status, title, advice, headers)
  if (code === 'csrf-cross-site' || code === 'csrf-no-origin') {
    return told(
      403,
      'That came from another site',
      'Campus only carries out what its own pages ask for. Nothing was changed.',
    )
  }
  if (code === 'csrf-token-missing' || code === 'csrf-token-invalid') {
    return new Problem(
      403,
      'That page was out of date',
      'Nothing was changed. Go back, reload that page and try again.',
      headers,
      message,
    )
  }
  // One answer for every reason: what was wrong with it is for the log.
  if (code === 'confirmation-refused') return told(403, 'That was not confirmed', message)
  if (code === 'too-many-sessions') return told(403, 'You are signed in too often', message)
  // What this request was to change was not, but the one beside it may be the first click of the same finger.
  if (code === 'session-ended') {
    return told(
      401,
      'Your session went on without this page',
      'Perhaps by a double click, or in another window. Look whether what you wanted is done before you try again.',
    )
  }
  if (status === 401) return told(401, 'Please sign in', message)
  if (code === 'data-too-large')
    return told(413, 'Your session is full', 'It cannot keep more than it has. Take something out of your cart.')
  if (code === 'store' || code === 'database') {
    return new Problem(503, 'Campus cannot answer right now', 'Nothing was changed. Please try again in a moment.', {
      'retry-after': '1',
      ...headers,
    })
  }
  if (type === 'entity.parse.failed')
    return told(400, 'That could not be read', 'The body of the request is not valid JSON.')
  if (status === 413)
    return told(413, 'That was too much', 'The request is larger than anything Campus needs. Send less.')
  if (status === 415)
    return told(415, 'That is in the wrong format', 'Campus does not understand this encoding of a request.')
  if (status !== null && status >= 400 && status < 500)
    return told(status, 'That request was not right', 'Campus could not make sense of it. Nothing was changed.')
  return new Problem(
    500,
    'Something broke on our side',
    'It is not your fault, and it was written down. Please try again.',
  )
}

/** What an error says of itself, read field by field: body-parser keeps some of it where a copy would not see it. */
function facts(error: unknown): {
  code: string
  type: string
  status: number | null
  headers: Readonly<Record<string, string>>
  message: string
} {
  const field = (name: string): unknown => (error instanceof Error ? Reflect.get(error, name) : undefined)
  const text = (name: string): string => {
    const value = field(name)
    return typeof value === 'string' ? value : ''
  }
  const status = field('status')
  const headers = field('headers')
  return {
    code: text('code'),
    type: text('type'),
    status: typeof status === 'number' ? status : null,
    headers: typeof headers === 'object' && headers !== null ? (headers as Record<string, string>) : {},
    message: text('message'),
  }
}
