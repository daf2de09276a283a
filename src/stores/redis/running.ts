import { setTimeout as wait } from 'node:timers/promises'
import { isUnknownScript } from '../../databases/redis/failure.ts'
import { isMoving } from './failure.ts'
import type { Writer } from './link.ts'
import type { Script } from './scripts.ts'

/** How long an operation waits for a slot that is being moved. Below the engine's deadline, so that the error says why. */
const patienceMs = 1_500
const pauseMs = 15

/**
 * Runs a script on the node that has the tag. A node that does not know it (SCRIPT FLUSH, a start, a failover) is sent its
 * text; a slot that is being moved is asked again. Both refusals say that nothing was done.
 */
export async function runScript(
  writer: Writer,
  tag: string,
  script: Script,
  keys: string[],
  args: string[],
): Promise<unknown> {
  const operands = [String(keys.length), ...keys, ...args]
  let command = ['EVALSHA', script.sha, ...operands]
  let giveUpAt = Number.POSITIVE_INFINITY
  for (;;) {
    try {
      return await writer.write(tag, command)
    } catch (error) {
      if (isUnknownScript(error)) command = ['EVAL', script.text, ...operands]
      else if (!isMoving(error)) throw error
      else {
        giveUpAt = Math.min(giveUpAt, performance.now() + patienceMs)
        if (performance.now() >= giveUpAt) throw error
        await wait(pauseMs)
      }
    }
  }
}
