import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { it } from 'node:test'
import { UsageError } from 'latchkey'
import { webauthnLibrary } from '../../src/mfa/passkey-library.ts'

it('without the package for passkeys the error names it, and everything else works', async () => {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('@simplewebauthn/')) return next(specifier, context)
      throw Object.assign(new Error(`Cannot find package ${specifier}`), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })
  await assert.rejects(webauthnLibrary(), (error: unknown) => {
    assert.ok(error instanceof UsageError && error.cause instanceof Error)
    return /npm install @simplewebauthn\/server@14/.test(error.message)
  })
  hooks.deregister()
})

it('an error inside the package is not taken for its absence', async () => {
  const broken = new SyntaxError('half a file')
  const hooks = registerHooks({
    load(url, context, next) {
      if (!url.includes('@simplewebauthn/server')) return next(url, context)
      throw broken
    },
  })
  await assert.rejects(webauthnLibrary(), broken)
  hooks.deregister()
})
