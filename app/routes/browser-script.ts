import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { Router } from 'express'
import type { SessionStatus } from 'latchkey'
import type { PageWatch } from '../views/visitor.ts'

/** The script `latchkey/browser` as this Campus has it. */
export interface BrowserScript {
  readonly routes: Router
  /** What a page needs of it, for a session with this status. */
  watch(status: SessionStatus): PageWatch
}

const place = '/assets/latchkey'

/**
 * Serves the modules of `latchkey/browser`, from wherever the package keeps them: built ones as they are, sources without
 * their types, which is all that stands between them and a browser. `signInUrl`: where a page goes when its session is over, or locked.
 */
export function browserScript(signInUrl: string): BrowserScript {
  const entry = new URL(import.meta.resolve('latchkey/browser'))
  const extension = entry.pathname.endsWith('.ts') ? '.ts' : '.js'
  const directory = new URL('.', entry)
  const sources = new Map(
    readdirSync(directory)
      .filter(name => name.endsWith(extension) && !name.endsWith('.d.ts'))
      .map(name => [name, readFileSync(new URL(name, directory), 'utf8')] as const),
  )
  const scripts = extension === '.js' ? sources : new Map<string, string>()
  const scriptOf = (name: string): string | undefined => {
    const source = sources.get(name)
    if (source === undefined) return undefined
    const script = scripts.get(name) ?? stripTypeScriptTypes(source)
    scripts.set(name, script)
    return script
  }
  const routes = Router().get(`${place}/:name`, (request, response, next) => {
    const script = scriptOf(request.params.name)
    if (script === undefined) return next()
    response.set('cache-control', 'public, max-age=300').type('text/javascript').send(script)
  })
  const src = `${place}/script${extension}`
  const addresses = { statusUrl: '/api/session', extendUrl: '/api/session/extend', signOutUrl: '/logout', signInUrl }
  return { routes, watch: status => ({ src, options: { status, ...addresses } }) }
}
