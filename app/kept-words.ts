import type { KeptForm } from './kept-form.ts'

/** What a form of ours does, by its address. */
const doings: ReadonlyMap<string, string> = new Map([
  ['/security/app', 'add an authenticator app'],
  ['/security/passkeys', 'add a passkey'],
  ['/security/recovery-codes', 'make new recovery codes'],
  ['/security/remove', 'remove a second factor'],
  ['/account/email', 'change your e-mail address'],
  ['/account/password', 'change your password'],
  ['/grades', 'publish grades'],
  ['/profile', 'change what your profile says about you'],
  ['/devices/end', 'sign out another device'],
  ['/devices/end-others', 'sign out everywhere else'],
  ['/shop/cart', 'change your cart'],
  ['/shop/cart/remove', 'take a book out of your cart'],
  ['/preferences', 'change the colours'],
])

/** What a person typed or ticked, as the form called it. All other fields are for us: ids, numbers, marks of a page. */
const labels: ReadonlyMap<string, string> = new Map([
  ['label', 'What to call it'],
  ['email', 'New address'],
  ['about_me', 'About me'],
  ['end_others', 'Sign out everywhere else'],
  ['quantity', 'Copies'],
])

/** What somebody was about to do, after "to": whoever sits down at an open browser must not have it done by its owner unseen. */
export function doingOf({ action }: KeptForm): string {
  const path = action.replace(/\?.*$/s, '').replace(/\/confirm$/, '')
  return doings.get(path) ?? 'send a form'
}

/** What was typed into it: names and texts, to be shown. */
export function typedInto({ fields }: KeptForm): (readonly [label: string, text: string])[] {
  return fields.flatMap(([name, value]) => {
    const label = name.startsWith('grade_') ? `Grade of ${name.slice('grade_'.length)}` : labels.get(name)
    return label === undefined || value === '' ? [] : [[label, name === 'end_others' ? 'Yes' : value] as const]
  })
}
