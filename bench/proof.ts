import assert from 'node:assert/strict'
import type { Contender, Job } from './contenders.ts'
import { ask, type Call, type Client, calls, keepCookies } from './requests.ts'

const signIn = (user: string): Call => ({ method: 'POST', path: `/signin?user=${user}` })

/** Signs in as many users as asked for, each in a session of their own. */
export async function signInClients(port: number, contender: Contender, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let n = 0; n < count; n += 1) {
    const name = `user-${String(n).padStart(3, '0')}`
    clients.push(await signInClient(port, contender, name, `10.0.${n >> 8}.${n & 255}`))
  }
  return clients
}

async function signInClient(port: number, contender: Contender, name: string, address: string): Promise<Client> {
  const answer = await ask(port, signIn(name), { address })
  assert.equal(answer.status, 200, `sign-in of ${name}`)
  const { user, csrf, access_token: token } = answer.body
  assert(typeof user === 'string', `sign-in of ${name} names the user`)
  const client = {
    user,
    address,
    cookie: '',
    ...(typeof csrf === 'string' ? { csrf } : {}),
    ...(typeof token === 'string' ? { token } : {}),
  }
  const signedIn = keepCookies(client, answer)
  const keeps = contender.state === 'store' || contender.state === 'cookie'
  assert.equal(signedIn.cookie !== '', keeps, `sign-in of ${name} sets a cookie`)
  return signedIn
}

/** Before the load: everybody is who they are, a stranger is nobody, and the counter counts for a client with a jar. */
export async function proveBefore(port: number, contender: Contender, clients: Client[]): Promise<void> {
  await provePublic(port, clients)
  await proveReads(port, clients, contender)
  if (contender.state === 'none') return
  assert.equal((await ask(port, calls.read)).status, 401, 'a client without a cookie or token is refused')
  if (contender.state === 'token') return
  await proveCounting(port, contender, 'user-before')
}

/**
 * After the load: the same people are still who they are. Resolves to the answered increments that are not in the store;
 * of ours every one must be.
 */
export async function proveAfter(
  port: number,
  contender: Contender,
  clients: Client[],
  { job, answered }: { job: Job; answered: number },
): Promise<number> {
  await provePublic(port, clients)
  const total = await proveReads(port, clients, contender)
  if (contender.state === 'none' || contender.state === 'token') return 0
  await proveCounting(port, contender, 'user-after')
  if (contender.state === 'cookie') return 0
  if (job !== 'write') {
    assert.equal(total, 0, 'nobody counted')
    return 0
  }
  assert(total >= answered || !contender.ours, `${answered} increments were answered, ${total} are in the store`)
  return Math.max(0, answered - total)
}

async function provePublic(port: number, clients: Client[]): Promise<void> {
  const answer = await ask(port, calls.unused, clients[0])
  assert.deepEqual([answer.status, answer.body], [200, { ok: true }], 'the public route answers')
}

/** Checks every client's user and resolves to the sum of their counters. */
async function proveReads(port: number, clients: Client[], { state }: Contender): Promise<number> {
  let total = 0
  for (const client of clients) {
    const { status, body } = await ask(port, calls.read, client)
    assert.equal(status, 200, `${client.user} reads`)
    if (state !== 'none') assert.equal(body.user, client.user, 'the answer names the right user')
    assert(typeof body.count === 'number', 'the answer has the counter')
    total += body.count
  }
  return total
}

async function proveCounting(port: number, contender: Contender, name: string): Promise<void> {
  let client = await signInClient(port, contender, name, '10.1.0.1')
  for (const count of [1, 2, 3]) {
    const answer = await ask(port, calls.write, client)
    assert.deepEqual([answer.status, answer.body], [200, { count }], 'the counter counts')
    client = keepCookies(client, answer)
  }
  const { body } = await ask(port, calls.read, client)
  assert.deepEqual(body, { user: client.user, count: 3 }, 'the counter is read back')
}
