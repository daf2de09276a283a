import { UsageError } from '../index.ts'

/** Where a console is mounted, for adapters whose frameworks do not say. */
export interface MountOptions {
  /** The path, as the browser sees it, for example `/console`; `/` when the console has a host of its own. */
  readonly at: string
}

/** The path without a slash at the end; throws a `UsageError` for what is no path. */
export function mountPath({ at }: MountOptions): string {
  const path = at.replace(/\/$/, '')
  if (/^(\/[A-Za-z0-9._~-]+)*$/.test(path)) return path
  throw new UsageError(`at is ${JSON.stringify(at)}: write the path where the console is, for example '/console'.`)
}

/** What of a request's target lies below a mount; `null` when it lies elsewhere. */
export function below(
  mount: string,
  target: string,
): { readonly path: string; readonly query: URLSearchParams } | null {
  const [path = '', query = ''] = target.split(/\?(.*)/s)
  if (path !== mount && !path.startsWith(`${mount}/`)) return null
  return { path: path.slice(mount.length), query: new URLSearchParams(query) }
}
