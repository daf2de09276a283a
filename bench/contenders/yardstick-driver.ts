import { createServer } from 'node:http'
import { serve } from '../serve.ts'
import { bareListener } from './bare-listener.ts'

/*
 * The bare server, plus what a database costs by itself: one GET by node-redis or one SELECT by pg for every read, its answer
 * thrown away. Who has sessions there pays at least this, unless many requests share one question.
 */
const [driver] = process.argv.slice(2)
const ask = driver === 'redis' ? await redis() : await postgres()

async function redis(): Promise<() => Promise<unknown>> {
  const { createClient } = await import('redis')
  const client = await createClient({ url: process.env.BENCH_REDIS ?? '' }).connect()
  await client.set('yardstick', 'x'.repeat(500))
  // Without the client's timer for each command, as our store does.
  const options: object = { timeout: undefined }
  return () => client.sendCommand(['GET', 'yardstick'], options)
}

async function postgres(): Promise<() => Promise<unknown>> {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: process.env.BENCH_POSTGRES })
  await pool.query('CREATE TABLE IF NOT EXISTS yardstick (id text PRIMARY KEY, body text)')
  await pool.query('INSERT INTO yardstick VALUES ($1, $2) ON CONFLICT DO NOTHING', ['a', 'x'.repeat(500)])
  return () => pool.query({ name: 'yardstick', text: 'SELECT body FROM yardstick WHERE id = $1', values: ['a'] })
}

const server = createServer(async (req, res) => {
  if (req.url === '/me') await ask()
  bareListener(req, res)
})

serve(server)
