import type { Request } from 'express'

/** Whether an address is for programs, which send and get JSON, and not for people, who send forms and get pages. */
export function isForPrograms({ path }: Request): boolean {
  return /^\/(?:api(?:\/|$)|csrf-token$|healthz$)/i.test(path)
}
