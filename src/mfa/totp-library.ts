import { UsageError } from '../errors.ts'

/** The library that makes one-time passwords. */
export type TotpLibrary = typeof import('otpauth')

let loading: Promise<TotpLibrary> | null = null

/**
 * Loads the library when the first code is asked for: who offers passkeys only need not install it. Throws a `UsageError`
 * when it is missing.
 */
export function totpLibrary(): Promise<TotpLibrary> {
  loading ??= import('otpauth').catch(error => {
    loading = null
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError('Codes of authenticator apps need the package otpauth: run `npm install otpauth@9`.', {
      cause: error,
    })
  })
  return loading
}
