/** What is computed of a blob while it streams past, and what its item says it must be. Constant memory. */
import { crc32 } from 'node:zlib'
import { combineCrc32 } from '../model/crc32.ts'
import { blobKind, pathOf } from './names.ts'
import type { MirrorItem } from './port.ts'

/** What was read of one blob. */
export interface Reading {
  readonly bytes: number
  readonly crc32: number
  /** Does it end with a valid codec footer? Only framed blobs must. */
  readonly footer: boolean
}

/** Last 16 bytes of a framed blob: magic, algorithm 0, CRC-32 of all before the last 8 as a big-endian int64. */
const footerStart = Buffer.from('c02893e800000000', 'hex')

/** Reads chunks of any size; `result` may be asked once, at the end. */
export class ReadingBuilder {
  #bytes = 0
  #crc = 0
  /** CRC-32 of everything but `#tail`. */
  #crcBeforeTail = 0
  /** The last 16 bytes or less. */
  #tail: Buffer = Buffer.alloc(0)

  get bytes(): number {
    return this.#bytes
  }

  add(chunk: Buffer): void {
    const crcBefore = this.#crc
    this.#bytes += chunk.length
    this.#crc = crc32(chunk, this.#crc)
    if (chunk.length >= 16) {
      this.#crcBeforeTail = crc32(chunk.subarray(0, chunk.length - 16), crcBefore)
      this.#tail = Buffer.from(chunk.subarray(chunk.length - 16))
      return
    }
    const joined = Buffer.concat([this.#tail, chunk])
    const settled = Math.max(0, joined.length - 16)
    this.#crcBeforeTail = crc32(joined.subarray(0, settled), this.#crcBeforeTail)
    this.#tail = joined.subarray(settled)
  }

  result(): Reading {
    const tail = this.#tail
    const footer =
      tail.length === 16 &&
      tail.subarray(0, 8).equals(footerStart) &&
      tail.readUInt32BE(8) === 0 &&
      tail.readUInt32BE(12) === crc32(tail.subarray(0, 8), this.#crcBeforeTail)
    return { bytes: this.#bytes, crc32: this.#crc, footer }
  }
}

export type Defect = { readonly kind: 'length' | 'bytes'; readonly key: string; readonly message: string }

/** What is wrong with an item of which these parts were read; null when nothing is. One reading for each part. */
export function defectOf(item: MirrorItem, readings: readonly Reading[]): Defect | null {
  let combined = 0
  for (const [i, part] of item.parts.entries()) {
    const reading = readings[i]
    if (reading === undefined) throw new RangeError(`no reading of ${part.key}`)
    if (part.bytes !== null && part.bytes !== reading.bytes) {
      const message = `${part.key} has ${reading.bytes} bytes, ${part.bytes} are expected`
      return { kind: 'length', key: part.key, message }
    }
    if (blobKind(pathOf(part)) === 'framed' && !reading.footer) {
      const message = `${part.key} does not end with the checksum of its own bytes`
      return { kind: 'bytes', key: part.key, message }
    }
    combined = combineCrc32(combined, reading.crc32, reading.bytes)
  }
  const key = item.parts[0]?.key ?? ''
  if (item.crc32 === null || item.crc32 === combined) return null
  const parts = item.parts.length === 1 ? key : `${key} and the other ${item.parts.length - 1} parts of the file`
  return { kind: 'bytes', key, message: `CRC-32 of ${parts} is ${hex(combined)}, recorded is ${hex(item.crc32)}` }
}

export function sameReadings(a: readonly Reading[], b: readonly Reading[]): boolean {
  return a.length === b.length && a.every((r, i) => r.bytes === b[i]?.bytes && r.crc32 === b[i]?.crc32)
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
