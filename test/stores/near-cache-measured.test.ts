import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { nearCache } from 'latchkey/stores/near-cache'
import { sealedStore } from 'latchkey/stores/sealed'
import { Browser } from '../actors/browser.ts'
import { startServer } from '../actors/server.ts'
import { sharedMemory } from '../actors/shared-memory.ts'

/** A browser that is signed in behind a near cache, and counts of what was looked for, found and read. */
async function start(over: (cache: SessionStore) => SessionStore = cache => cache) {
  const shared = sharedMemory().open()
  const server = startServer({ store: over(nearCache(shared)) })
  const browser = new Browser(server)
  await browser.signIn('alice')
  const counts = { hits: 0, misses: 0, reads: 0 }
  const readsBefore = shared.reads
  server.sessions.measure({
    stored: operation => {
      if (operation === 'read') counts.reads += 1
    },
    looked: hit => {
      counts[hit ? 'hits' : 'misses'] += 1
    },
  })
  return { server, browser, shared, counts, readsOfShared: () => shared.reads - readsBefore }
}

describe('measuring the near cache', () => {
  const stores = {
    'a shared store': undefined,
    'sealed cookies': (store: SessionStore) => sealedStore({ revocations: store }),
  }
  for (const [name, over] of Object.entries(stores)) {
    it(`of ${name}: each request looks once, and what is not a hit is a read of the store`, async () => {
      const { server, browser, counts, readsOfShared } = await start(over)
      let requests = 0
      while (counts.hits < 5) {
        await browser.see()
        requests += 1
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      assert.equal(counts.hits + counts.misses, requests)
      assert.ok(counts.misses > 0, 'the first one cannot be a hit')
      assert.equal(counts.reads, counts.misses)
      assert.equal(counts.reads, readsOfShared(), 'what the meter calls a hit did not reach the store')
      await server.sessions.close()
    })
  }

  it('a read that must be of now is no look into the cache', async () => {
    const { server, counts } = await start()
    const [info] = await server.sessions.list('alice')
    await server.sessions.find(info?.sid ?? '')
    assert.deepEqual(counts, { hits: 0, misses: 0, reads: 1 })
    await server.sessions.close()
  })

  it('a store that is down makes a miss and a failure, and no hit', async () => {
    const { server, browser, shared, counts } = await start()
    shared.channel = 'down'
    shared.beforeAnswer = () => Promise.reject(new Error('connection refused'))
    let status = 0
    while (status !== 503) status = (await browser.see()).status
    const { hits, misses, reads } = counts
    assert.ok(misses > 0 && reads === misses, `${hits} ${misses} ${reads}`)
    await server.sessions.close()
  })
})
