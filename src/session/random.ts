import { randomBytes, randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(8_192)
let used = pool.length

/**
 * Random bytes from the system's CSPRNG, fetched in blocks: asking the kernel for twelve bytes costs more than
 * encrypting a session with them. Bytes are handed out once and wiped from the block.
 */
export function pooledRandomBytes(size: number): Buffer {
  if (size > pool.length / 8) return randomBytes(size)
  if (used + size > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = Buffer.from(pool.subarray(used, used + size))
  pool.fill(0, used, used + size)
  used += size
  return bytes
}
