/**
 * Lucene's primitive types over a buffer, with bounds: every read past the end is a `DecodeError`.
 * Source: apache/lucene: lucene/core/src/java/org/apache/lucene/store/DataInput.java @ 10.3.1
 */
import { codecMagic, footerBytes } from './codec-footer.ts'
import { DecodeError } from './decode-error.ts'

export class LuceneInput {
  readonly bytes: Buffer
  /** Where the footer starts. */
  readonly end: number
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.end = bytes.length - footerBytes
  }

  byte(): number {
    return this.bytes[this.take(1)] ?? 0
  }

  int32(littleEndian = false): number {
    const at = this.take(4)
    return littleEndian ? this.bytes.readInt32LE(at) : this.bytes.readInt32BE(at)
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.take(8))
  }

  /** Seven bits a byte, least significant first; at most nine bytes (VLong). */
  vint(): number {
    const at = this.position
    let value = 0
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new DecodeError('bad-value', at, 'a variable integer does not end')
  }

  /** A VInt that counts things of at least `bytesEach` bytes that must still follow. */
  countOf(bytesEach: number): number {
    const at = this.position
    const count = this.vint()
    if (count * bytesEach > this.end - this.position)
      throw new DecodeError('bad-value', at, `${count} entries announced`)
    return count
  }

  string(): string {
    const length = this.countOf(1)
    const at = this.take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  id(): string {
    const at = this.take(16)
    return this.bytes.toString('hex', at, at + 16)
  }

  map(): Map<string, string> {
    const map = new Map<string, string>()
    for (let left = this.countOf(2); left > 0; left--) map.set(this.string(), this.string())
    return map
  }

  set(): string[] {
    const entries: string[] = []
    for (let left = this.countOf(1); left > 0; left--) entries.push(this.string())
    return entries
  }

  /** The longer header of Lucene's own files: magic, codec, version, id, suffix. */
  header(): { codec: string; version: number; id: string; suffix: string } {
    const magic = this.int32() >>> 0
    if (magic !== codecMagic) throw new DecodeError('bad-magic', 0, `it starts with 0x${magic.toString(16)}`)
    const codec = this.string()
    const version = this.int32()
    const id = this.id()
    const length = this.byte()
    const at = this.take(length)
    return { codec, version, id, suffix: this.bytes.toString('latin1', at, at + length) }
  }

  private take(length: number): number {
    const at = this.position
    if (length > this.end - at) throw new DecodeError('truncated', at, 'it is cut off')
    this.position = at + length
    return at
  }
}
