/**
 * What the fragments in these pages take as given. Only tools/doc-snippets.ts reads it, to check the fragments' types;
 * a fragment that declares a name of its own hides the one from here.
 */
interface Data {
  cart: { isbn: string; quantity: number }[]
  theme: 'light' | 'dark'
  n: number
}

declare const app: import('express').Express
declare const sessions: import('latchkey').Sessions<Data>
declare const manager: import('latchkey').Sessions<Data>
declare const session: import('latchkey').Session<Data>
declare const store: import('latchkey').SessionStore
declare const options: import('latchkey').SessionsOptions
declare const watch: import('latchkey/watch').Watch
declare const sid: string
declare const req: import('express').Request
declare const res: import('express').Response

/** What every application has of its own. */
interface User {
  id: string
  passwordHash: string
}
declare function findUser(name: unknown): Promise<User | null>
declare function verifyPassword(hash: string | undefined, password: unknown): Promise<boolean>
declare function checkPassword(form: unknown): Promise<User | null>
declare function savePassword(userId: string | null, password: unknown): Promise<void>
declare const changeEmail: import('express').RequestHandler
declare const showCart: import('express').RequestHandler
declare function confirmationPage(id: string, action: object): string
declare function carryOut(action: object): Promise<void>
/** Checks a password or a second factor of the signed-in user, and says by which methods. */
declare function proved(request: import('express').Request): Promise<string[]>

/** Second factors, as docs/mfa.md makes them. */
declare const factors: import('latchkey/mfa').Factors
declare const devices: import('latchkey/mfa').KnownDevices

/** A store of the reader's own. */
declare module 'my-store' {
  export function mapStore(): import('latchkey').SessionStore
}

/** An application of the reader's own framework. */
declare module 'my-app' {
  export function startMyApp(
    application: import('latchkey/testing').ContractApplication,
  ): Promise<import('latchkey/testing').ContractServer>
}
