import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Measurement } from './application.ts'

/** An application process that is watched. */
export interface ApplicationProcess {
  readonly port: number
  /** Everything it measured of itself, oldest first. */
  readonly measurements: readonly Measurement[]
  /** Asks it once more; does nothing when it is gone. */
  measure(): Promise<void>
  /** How it ended by itself, or `null`. */
  death(): string | null
  readonly stop: () => Promise<void>
}

/** Starts an application process and waits until it listens. */
export async function startApplication(environment: Readonly<Record<string, string>>): Promise<ApplicationProcess> {
  const file = join(import.meta.dirname, 'application.ts')
  const child = spawn(process.execPath, ['--conditions=latchkey-source', '--expose-gc', file], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...environment },
  })
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2_000)
  })
  let stopped = false
  let death: string | null = null
  const exit = once(child, 'close').then(([code, signal]) => {
    if (!stopped) death = `a process ended with ${code ?? signal}: ${complaints}`
  })
  const answer = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, 'message'), exit.then(() => [null])])
    return message
  }
  const started = (await answer()) as { port: number } | null
  if (started === null) throw new Error(death ?? 'it was stopped')

  const measurements: Measurement[] = []
  return {
    port: started.port,
    measurements,
    async measure() {
      if (death !== null) return
      const measured = answer()
      child.send('measure')
      const measurement = (await measured) as Measurement | null
      if (measurement) measurements.push(measurement)
    },
    death: () => death,
    async stop() {
      stopped = true
      child.kill('SIGKILL')
      await exit
    },
  }
}
