/**
 * Networks that many people go through who are elsewhere. Relays of browsers and phones: iCloud Private Relay (Cloudflare 13335, which is
 * WARP as well, Akamai 20940 and 36183, Fastly 54113). Gateways of companies: Zscaler (22616, 53813, 62044). VPN services with
 * networks of their own: Nord (PacketHub 136787, 141039, 147049, 207137), Surfshark (209854), Mullvad (39351), Proton (199218,
 * 208172, 209103); and where most others rent: M247 (9009), Datacamp (60068, 212238). They change: a database of anonymous
 * networks knows more, see `maxMind`.
 */
export const knownRelays: readonly number[] = [
  ...[13_335, 20_940, 36_183, 54_113],
  ...[22_616, 53_813, 62_044],
  ...[136_787, 141_039, 147_049, 207_137, 209_854, 39_351, 199_218, 208_172, 209_103],
  ...[9_009, 60_068, 212_238],
]
