import { randomInt } from 'node:crypto'
import { Generations, type KeptGenerations, startingAt } from '../generations.ts'
import { Directory, isExhausted } from './directory.ts'
import { decodeGenerations, decodeIntent, decodeRecord, encodeGenerations, type Intent, kindOf } from './document.ts'
import { Heads } from './heads.ts'
import { pacer } from './pacer.ts'
import { FileSessions, putAside } from './sessions.ts'

const generationsFile = 'generations.json'

/** An open file store. */
export interface Opened {
  readonly sessions: FileSessions
  /** Brings the files up to date and unlocks the directory, also when the former fails. */
  readonly close: () => Promise<void>
}

/** Locks the directory, reads the head of every record in it, and finishes what a process that died had begun. */
export async function open(path: string): Promise<Opened> {
  const directory = new Directory(path)
  try {
    const generations = new Generations(await takeGenerations(directory))
    const { heads, damaged, intents } = await scan(directory)
    const sessions = new FileSessions({ directory, heads, generations, damaged })
    await sessions.resume(intents)
    return { sessions, close: () => close(directory, sessions, generations) }
  } catch (error) {
    directory.close()
    throw error
  }
}

async function close(directory: Directory, sessions: FileSessions, generations: Generations): Promise<void> {
  try {
    await sessions.settle()
    const draft = await directory.draft(encodeGenerations(generations.keep()))
    draft.place(generationsFile)
    await directory.flush()
  } finally {
    directory.close()
  }
}

/**
 * The generations that a clean close left, for this opening only. After a crash everybody's is a random one, so that each
 * number from before is refused: a sign-in under way then has to start again, and one that was overtaken never passes.
 */
async function takeGenerations(directory: Directory): Promise<KeptGenerations> {
  const text = directory.read(generationsFile)
  if (text !== null) {
    directory.remove(generationsFile)
    await directory.flush()
  }
  return (text && decodeGenerations(text)) || startingAt(randomInt(2 ** 47))
}

async function scan(directory: Directory) {
  const heads = new Heads()
  const damaged = new Map<string, string>()
  const intents = new Map<string, Intent>()
  const pause = pacer()
  for (const file of directory.files()) {
    await pause()
    const known = kindOf(file)
    switch (known?.kind) {
      case 'temporary':
        directory.remove(file)
        break
      case 'corrupt':
        damaged.set(known.name, file)
        break
      case 'intent':
        intents.set(file, readIntent(directory, file))
        break
      case 'record': {
        const text = readOrEmpty(directory, file)
        const record = text && decodeRecord(text, known.name)
        if (record) heads.add(record)
        else if (text !== null) damaged.set(known.name, putAside(directory, known.name))
      }
    }
  }
  heads.rankByAge()
  return { heads, damaged, intents }
}

/** The text; `''` when this file, unlike the others, cannot be read (a directory, a bad sector, somebody else's); `null` when it is gone. */
function readOrEmpty(directory: Directory, file: string): string | null {
  try {
    return directory.read(file)
  } catch (error) {
    if (isExhausted(error)) throw error
    return ''
  }
}

/** Whoever cannot read which sessions were ended must not serve any of them. */
function readIntent(directory: Directory, file: string): Intent {
  const intent = decodeIntent(directory.read(file) ?? '')
  if (intent) return intent
  throw new Error(
    `${file} in the session directory is damaged. It says which sessions were ended together just before the last crash, so that none can be served without it. To end all sessions, delete all .json and .intent files; to accept that the ended ones may live on, delete this file.`,
  )
}
