/**
 * Pure: the CRC-32 of a concatenation from the CRC-32s of its pieces, so that a split file is checked without being read as one.
 *
 * The polynomial arithmetic of zlib. madler/zlib: crc32.c (multmodp, x2nmodp, crc32_combine64) @ v1.3
 */

const polynomial = 0xedb88320

/** CRC-32 of A followed by B, where `secondBytes` is the length of B. Exact up to 2^53 bytes. */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  if (!Number.isSafeInteger(secondBytes) || secondBytes < 0) throw new RangeError(`no length: ${secondBytes}`)
  return (multiply(powerOfX(secondBytes), first) ^ second) >>> 0
}

/** a × b modulo the polynomial, bits reflected: bit 31 is x^0. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= factor
    factor = factor & 1 ? (factor >>> 1) ^ polynomial : factor >>> 1
  }
  return product >>> 0
}

/** x^(8 × bytes): what appending that many zero bytes multiplies a CRC with. */
function powerOfX(bytes: number): number {
  let power = 1 << 31 // x^0
  // `squares[k]` is x^(2^k); eight bits a byte start at k = 3, and x^(2^32) is x again.
  for (let rest = bytes, k = 3; rest > 0; rest = Math.floor(rest / 2), k = (k + 1) % 32) {
    if (rest % 2 === 1) power = multiply(squares[k] ?? 0, power)
  }
  return power
}

const squares: readonly number[] = (() => {
  const table = [1 << 30] // x^1
  for (let k = 1; k < 32; k++) {
    const previous = table[k - 1] ?? 0
    table.push(multiply(previous, previous))
  }
  return table
})()
