/** Names and numbers that look random and follow from a seed. */

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1')
const characters = 22
const scratch = Buffer.alloc(characters)

/** What an id is of; ids of two kinds never meet. */
export const idKinds = {
  repository: 1,
  cluster: 2,
  snapshot: 3,
  index: 4,
  indexInCluster: 5,
  indexMetadata: 7,
  generation: 8,
  file: 9,
  virtual: 10,
  state: 11,
} as const
export type IdKind = keyof typeof idKinds

/** Murmur3's last step: every bit of the input changes about half of the output's. */
function mixed(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** 0 to 2^32 − 1. */
export function numberOf(seed: number, kind: IdKind, a: number, b = 0): number {
  const start = mixed(seed ^ Math.imul(idKinds[kind], 0x9e3779b1))
  return mixed(mixed(start ^ a) ^ Math.imul(b, 0x27d4eb2f)) >>> 0
}

/** 22 characters of URL-safe base64, 128 bits, as servers make them. */
export function idOf(seed: number, kind: IdKind, a = 0, b = 0): string {
  let word = numberOf(seed, kind, a, b)
  let bits = 0
  let left = 0
  let words = 0
  for (let i = 0; i < characters; i++) {
    if (left < 6 && words < 4) {
      // 32 fresh bits; what is left of the last word is dropped.
      word = mixed(word ^ Math.imul(a + 1, 0x165667b1) ^ Math.imul(b + words + 1, 0x2545f491)) >>> 0
      bits = word
      left = 32
      words++
    }
    // The last character of 16 bytes in base64 holds two bits.
    scratch[i] = alphabet[i === characters - 1 ? (bits & 3) << 4 : bits & 63] ?? 0
    bits >>>= 6
    left -= 6
  }
  return scratch.toString('latin1')
}
