import { once } from 'node:events'
import { createServer as createHttpServer, type OutgoingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { after } from 'node:test'
import { developmentCertificate } from '../../app/certificate.ts'
import { placesIn } from '../../app/data-directory.ts'
import { temporaryDirectory } from '../app/temporary-directory.ts'

/**
 * Host names that tell sites apart as in the world outside: a sibling of Campus is the same *site* but another *origin*,
 * so it gets Campus's SameSite cookies sent along; the stranger is another site. For Chromium all of them are this
 * machine (the names end in .test, which nobody can own: RFC 6761).
 */
const campusHost = 'campus.test'
const siblingHost = 'sibling.campus.test'
const strangerHost = 'evil.test'

/** The flag value that makes Chromium find them. */
export const hostNames: string = [campusHost, siblingHost, strangerHost].map(host => `MAP ${host} 127.0.0.1`).join(', ')

/** Campus's origin under its host name, from the one with localhost. */
export function underItsName(localOrigin: string): string {
  return `https://${campusHost}:${new URL(localOrigin).port}`
}

/** Somebody else's web site. */
export interface Site {
  readonly origin: string
  /** Paths that were asked for, in order. */
  readonly visits: readonly string[]
  /** Puts a page at a path, and returns its address. */
  show(path: string, html: string, headers?: OutgoingHttpHeaders): string
}

/** Opens a site of `who` until the tests of the file are over. `campus` is Campus's own host, spoken for by somebody on the network. */
export async function openSite(who: 'sibling' | 'stranger' | 'campus', scheme: 'https' | 'http'): Promise<Site> {
  const pages = new Map<string, { html: string; headers: OutgoingHttpHeaders }>()
  const visits: string[] = []
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? ''
    visits.push(path)
    const page = pages.get(path) ?? { html: '', headers: {} }
    response.writeHead(200, { 'content-type': 'text/html', ...page.headers }).end(page.html)
  }
  const server = scheme === 'http' ? createHttpServer(answer) : createHttpsServer(await certificate(), answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const origin = `${scheme}://${{ sibling: siblingHost, stranger: strangerHost, campus: campusHost }[who]}:${port}`
  return {
    origin,
    visits,
    show(path, html, headers = {}) {
      pages.set(path, { html, headers })
      return origin + path
    },
  }
}

/** A certificate for a server of a test. */
export async function certificate(): Promise<{ cert: string; key: string }> {
  const { certificate: cert, key } = await developmentCertificate(placesIn(temporaryDirectory()), Date.now())
  return { cert, key }
}
