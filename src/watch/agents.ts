import { UsageError } from '../errors.ts'
import { RecentMap } from '../session/recent-map.ts'

/**
 * What a `User-Agent` header means, as far as it can be read: families and the main version of the browser, never the text. It
 * is what the client chose to say; names come out of a fixed list, so a hostile header puts nothing of its own into them.
 */
export interface Agent {
  /** Family of the browser, for example `Chrome`, at most 28 characters; `null` for a program, or when it cannot be read. */
  readonly browser: string | null
  /** Family of the operating system, for example `Windows`, at most 13 characters; `null` when it cannot be read. */
  readonly os: string | null
  /** What kind of device: `desktop`, `mobile`, `tablet`, `tv` or `bot`; `null` when it cannot be read. */
  readonly device: string | null
  /** Main version of the browser, for example 126; `null` when it cannot be read. */
  readonly version: number | null
}

/** Reads `User-Agent` headers. Synchronous; never throws, whatever the header holds. */
export interface Agents {
  /** What this header means. What was read lately costs a look-up. */
  read(userAgent: string): Agent
}

/** The parts of `bowser` that are used. */
interface Bowser {
  parse(userAgent: string): {
    readonly browser: { readonly name?: string | undefined; readonly version?: string | undefined }
    readonly os: { readonly name?: string | undefined }
    readonly platform: { readonly type?: string | undefined }
  }
  readonly BROWSER_MAP: Readonly<Record<string, string>>
  readonly OS_MAP: Readonly<Record<string, string>>
  readonly PLATFORMS_MAP: Readonly<Record<string, string>>
}

/** As the engine cuts it. Reading takes time with the length of the text, and a client chooses the text. */
const longestText = 256
const mostRemembered = 2_000
const unreadable: Agent = { browser: null, os: null, device: null, version: null }

/** Loads the reader, which needs the package `bowser`. Rejects with a `UsageError` when it is not installed. */
export async function loadAgents(): Promise<Agents> {
  return readAgents(await bowser())
}

async function bowser(): Promise<Bowser> {
  try {
    return (await import('bowser')).default
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw new UsageError(
      'The watch needs the package bowser, to tell an update of a browser from another browser: run `npm install bowser@2`.',
      { cause: error },
    )
  }
}

function readAgents(library: Bowser): Agents {
  const browsers = new Set(Object.values(library.BROWSER_MAP))
  const systems = new Set(Object.values(library.OS_MAP))
  const devices = new Set(Object.values(library.PLATFORMS_MAP))
  // For a browser that it does not know, the library takes the name out of the text, whatever that is.
  const known = (names: ReadonlySet<string>, name: string | undefined) =>
    name !== undefined && names.has(name) ? name : null
  const remembered = new RecentMap<Agent>(mostRemembered)

  const parse = (text: string): Agent => {
    if (text === '') return unreadable
    try {
      const { browser, os, platform } = library.parse(text)
      const name = known(browsers, browser.name)
      const version = name === null ? Number.NaN : Number.parseInt(browser.version ?? '', 10)
      return {
        browser: name,
        os: known(systems, os.name),
        device: known(devices, platform.type),
        version: Number.isSafeInteger(version) && version >= 0 ? version : null,
      }
    } catch {
      return unreadable
    }
  }

  return {
    read(userAgent) {
      const text = userAgent.slice(0, longestText)
      const before = remembered.get(text)
      if (before) return before
      const agent = parse(text)
      // The map's keys are Latin-1, as headers are. Other text comes from no header and is read each time.
      if (isLatin1(text)) remembered.set(text, agent)
      return agent
    },
  }
}

function isLatin1(text: string): boolean {
  return /^[\u0000-\u00ff]*$/.test(text)
}
