/** What somebody has typed into a page: which fields, what is in them, and how to put it back. */

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

/** What was changed, by where it is: a text, or whether something is ticked or chosen. */
export type Changes = Record<string, string | boolean>

/**
 * One thing that can be changed: a text, a tick, or one choice of several. Its place is form, name, kind and number of the
 * field, and number of the choice; the holder has its value now and the value that the page came with, under these names.
 */
type Part = [place: string, field: Field, holder: Changes, now: string, initially: string]

const neverKept = /^(password|hidden|file|submit|button|image|reset)$/
// Secrets that a page may show in the clear: passwords, one-time codes, numbers of payment cards.
const secret = /password|one-time-code|cc-/

/** Marks every password field for good, because a button "show password" makes a text field of it. */
export function markPasswords(): void {
  for (const field of document.querySelectorAll<HTMLElement>('[type=password]')) field.dataset.latchkeySkip = ''
}

/** What was changed since the page came; `null` when nothing was. */
export function readChanges(): Changes | null {
  const changes: Changes = {}
  for (const [place, , holder, now, initially] of parts()) {
    const value = holder[now]
    if (value !== undefined && value !== holder[initially]) changes[place] = value
  }
  return Object.keys(changes)[0] ? changes : null
}

/** Puts changes back and tells the page's scripts, as typing would. Says whether anything is another than before. */
export function restore(changes: Changes): boolean {
  const changed = new Set<Field>()
  for (const [place, field, holder, now] of parts()) {
    const value = changes[place]
    if (value === undefined || value === holder[now]) continue
    holder[now] = value
    changed.add(field)
  }
  for (const field of changed)
    for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }))
  return changed.size > 0
}

function parts(): Part[] {
  const seen: Record<string, number> = {}
  return Array.from(document.querySelectorAll<Field>('input,textarea,select')).flatMap(field => {
    const { name, type, form } = field
    if (!name || neverKept.test(type) || secret.test(field.autocomplete) || field.closest('[data-latchkey-skip]'))
      return []
    // Not `form.id`: that is a field of this name, where there is one.
    const kind = [form && (form.getAttribute('id') ?? [...document.forms].indexOf(form)), name, type].join()
    seen[kind] = (seen[kind] ?? 0) + 1
    const part = (holder: object, now: string, initially: string, nth = 0): Part => [
      [kind, seen[kind], nth].join(),
      field,
      holder as Changes,
      now,
      initially,
    ]
    if ('options' in field)
      return Array.from(field.options, (option, nth) => part(option, 'selected', 'defaultSelected', nth))
    const ticks = 'checkbox radio'.includes(type)
    return [ticks ? part(field, 'checked', 'defaultChecked') : part(field, 'value', 'defaultValue')]
  })
}
