import { UsageError } from '../errors.ts'

/** The parts of `@simplewebauthn/server` that are used. */
export interface WebauthnLibrary {
  readonly server: typeof import('@simplewebauthn/server')
  readonly helpers: typeof import('@simplewebauthn/server/helpers')
}

/**
 * Loads the library when the first passkey is asked for: whoever has none need not install it. Throws a `UsageError`
 * when it is missing.
 */
export async function webauthnLibrary(): Promise<WebauthnLibrary> {
  try {
    const [server, helpers] = await Promise.all([
      import('@simplewebauthn/server'),
      import('@simplewebauthn/server/helpers'),
    ])
    return { server, helpers }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError(
      'Passkeys need the package @simplewebauthn/server: run `npm install @simplewebauthn/server@14`, or leave the option passkeys out.',
      { cause: error },
    )
  }
}
