/** The hash slot of Redis Cluster (CRC-16/XMODEM modulo 16,384) that a key belongs to when this is what it has in braces. */
export function slotOf(tag: string): number {
  const known = slots.get(tag)
  if (known !== undefined) return known
  const slot = crc16(tag) & 0x3fff
  slots.set(tag, slot)
  return slot
}

/** At most 4,096. */
const slots = new Map<string, number>()

function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc
}
