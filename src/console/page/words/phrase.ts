/** Sentences with things in them that come from elsewhere: kept apart, so that the page can show each as what it is. */

/** A word of ours, or something foreign. */
export type Part =
  | string
  | { readonly user: string }
  | { readonly sid: string }
  | { readonly alert: string }
  /** Any other text that somebody may have written. */
  | { readonly raw: string }

/** A sentence, without a full stop. */
export type Phrase = readonly Part[]

/** Writes a phrase as a template: what is put in is foreign unless it is a phrase, and nothing when it is `null`. */
export function phrase(strings: TemplateStringsArray, ...values: readonly (Phrase | null)[]): Phrase {
  return strings.flatMap<Part>((text, index) => [text, ...(values[index] ?? [])]).filter(part => part !== '')
}

/** A field of an entry's detail as a text, whatever it is; `''` when it is not there. */
export function field(detail: Readonly<Record<string, unknown>>, name: string): string {
  const value = detail[name]
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A field as something foreign; what is not there, nobody knows. */
export function raw(detail: Readonly<Record<string, unknown>>, name: string): Phrase {
  return [{ raw: field(detail, name) || '?' }]
}

/** A field as one of several known words; another is shown as it is. */
export function known(
  detail: Readonly<Record<string, unknown>>,
  name: string,
  words: ReadonlyMap<string, string>,
): Phrase {
  const value = field(detail, name)
  return [words.get(value) ?? { raw: value || '?' }]
}

/** A field that is a list of known words. */
export function listed(
  detail: Readonly<Record<string, unknown>>,
  name: string,
  words: ReadonlyMap<string, string>,
): Phrase {
  const value = detail[name]
  const items = Array.isArray(value) ? value.map(String) : []
  return items.flatMap<Part>((item, index) => [
    ...(index === 0 ? [] : [index === items.length - 1 ? ' and ' : ', ']),
    words.get(item) ?? { raw: item },
  ])
}

/** A phrase as one line of text. */
export function textOf(parts: Phrase): string {
  return parts.map(part => (typeof part === 'string' ? part : Object.values(part).join(''))).join('')
}
