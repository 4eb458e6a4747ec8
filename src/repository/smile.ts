/**
 * SMILE, the binary JSON inside all `.dat` blobs: bytes → values.
 *
 * Sources: FasterXML/jackson-dataformats-binary: smile/src/main/java/com/fasterxml/jackson/dataformat/smile/
 * {SmileConstants, SmileGenerator, SmileParser}.java @ 2.17.2, and documents written by that library (test/repository/golden).
 */
import { DecodeError } from './decode-error.ts'

/** Integers outside ±(2^53−1) are bigint; binary is a view into the input. */
export type SmileValue = null | boolean | number | bigint | string | Buffer | SmileValue[] | SmileObject
/** Every key is an own property, `__proto__` too: ask with `Object.hasOwn`, never through the prototype. */
export interface SmileObject {
  [key: string]: SmileValue
}

export interface SmileLimits {
  /** Nested arrays and objects. */
  readonly maxDepth?: number
  /** Values in all, structures and names counted several times: a small document can otherwise claim tens of times its size in memory. */
  readonly maxValues?: number
}

/**
 * Node's own slices, several times as fast as `toString` for short strings.
 * nodejs/node: lib/internal/buffer.js#addBufferMethods @ 20.20.2
 */
type Slices = Buffer & {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

const headerBytes = 4
const tableSize = 1024
/** Bytes of one big integer; nothing in a repository comes near. */
const maxBigIntegerBytes = 4096
/** No setting and no reason comes near; V8 makes no text of 512 MiB at all. */
const maxTextBytes = 64 * 1024 ** 2
/** What an object or array and a name of its own take in memory, in values: two bytes can claim a hundred. */
const structureCost = 4
const nameCost = 7
const endOfString = 0xfc
const endOfContent = 0xff

/** Decodes one whole document; it must end where `bytes` ends. Throws `DecodeError`. */
export function decodeSmile(bytes: Buffer, limits: SmileLimits = {}): SmileValue {
  return new SmileDecoder(bytes, limits.maxDepth ?? 1000, limits.maxValues ?? 20_000_000).document()
}

class SmileDecoder {
  private readonly bytes: Slices
  private readonly maxDepth: number
  private readonly maxValues: number
  private position = 0
  private depth = 0
  private values = 0
  /** Null where the header says that they are not shared. */
  private names: string[] | null = null
  private strings: string[] | null = null

  constructor(bytes: Buffer, maxDepth: number, maxValues: number) {
    this.bytes = bytes as Slices
    this.maxDepth = maxDepth
    this.maxValues = maxValues
  }

  document(): SmileValue {
    const bytes = this.bytes
    if (bytes.length < headerBytes) throw this.error('truncated', bytes.length, 'the SMILE header is cut off')
    if (bytes[0] !== 0x3a || bytes[1] !== 0x29 || bytes[2] !== 0x0a)
      throw this.error('bad-magic', 0, `not SMILE: it starts with ${bytes.toString('hex', 0, headerBytes)}`)
    const flags = bytes[3] ?? 0
    if (flags >> 4 !== 0) throw this.error('bad-version', 3, `SMILE version ${flags >> 4} is not known`)
    if ((flags & 1) !== 0) this.names = []
    if ((flags & 2) !== 0) this.strings = []
    this.position = headerBytes
    const value = this.value()
    if (this.position < bytes.length && bytes[this.position] === endOfContent) this.position++
    if (this.position !== bytes.length)
      throw this.error('trailing-bytes', this.position, `${bytes.length - this.position} bytes follow the document`)
    return value
  }

  private value(): SmileValue {
    const at = this.position
    const token = this.byte()
    if (++this.values > this.maxValues) throw this.error('too-large', at, `more than ${this.maxValues} values`)
    switch (token >> 5) {
      case 0:
        if (token === 0) break
        return this.sharedString(token - 1, at)
      case 1:
        return this.literal(token, at)
      case 2:
        return this.shareString(this.ascii((token & 0x1f) + 1))
      case 3:
        return this.shareString(this.ascii((token & 0x1f) + 33))
      case 4:
        return this.shareString(this.utf8((token & 0x1f) + 2))
      case 5:
        return this.shareString(this.utf8((token & 0x1f) + 34))
      case 6:
        return ((token & 0x1f) >> 1) ^ -(token & 1)
      default:
        return this.structure(token, at)
    }
    throw this.badToken(token, at)
  }

  private literal(token: number, at: number): SmileValue {
    switch (token) {
      case 0x20:
        return ''
      case 0x21:
        return null
      case 0x22:
        return false
      case 0x23:
        return true
      case 0x24:
      case 0x25:
        return this.integer()
      case 0x26:
        return plain(this.bigInteger())
      case 0x28:
        return this.float32()
      case 0x29:
        return this.float64()
      case 0x2a:
        return this.bigDecimal()
      default:
        throw this.badToken(token, at)
    }
  }

  private structure(token: number, at: number): SmileValue {
    switch (token) {
      case 0xe0:
      case 0xe4:
        return this.longString(token === 0xe4)
      case 0xe8:
        return this.packedBinary()
      case 0xec:
      case 0xed:
      case 0xee:
      case 0xef:
        return this.sharedString(((token & 3) << 8) | this.byte(), at)
      case 0xf8:
        return this.array(at)
      case 0xfa:
        return this.object(at)
      case 0xfd: {
        const length = this.length()
        const start = this.take(length)
        return this.bytes.subarray(start, start + length)
      }
      default:
        throw this.badToken(token, at)
    }
  }

  private array(at: number): SmileValue[] {
    this.enter(at)
    const values: SmileValue[] = []
    for (;;) {
      if (this.peek() === 0xf9) break
      values.push(this.value())
    }
    this.position++
    this.depth--
    return values
  }

  private object(at: number): SmileObject {
    this.enter(at)
    const object: SmileObject = {}
    for (;;) {
      if (this.peek() === 0xfb) break
      const nameAt = this.position
      const name = this.fieldName()
      // As the server's parser, which refuses a name that comes twice in one object.
      if (name in object && Object.hasOwn(object, name))
        throw this.error('bad-value', nameAt, `${JSON.stringify(name.slice(0, 100))} is there twice`)
      const value = this.value()
      if (name === '__proto__')
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
      else object[name] = value
    }
    this.position++
    this.depth--
    return object
  }

  private fieldName(): string {
    const at = this.position
    const token = this.byte()
    if (token >= 0x80 && token < 0xc0) return this.shareName(this.ascii((token & 0x3f) + 1))
    if (token >= 0x40 && token < 0x80) return this.sharedName(token & 0x3f, at)
    if (token >= 0xc0 && token < 0xf8) return this.shareName(this.utf8((token & 0x3f) + 2))
    if (token >= 0x30 && token < 0x34) return this.sharedName(((token & 3) << 8) | this.byte(), at)
    if (token === 0x20) return ''
    if (token === 0x34) return this.shareName(this.longString(true))
    throw this.error('bad-token', at, `no field name starts with ${hex(token)}`)
  }

  /**
   * Every name takes a slot, a repeated one too: Jackson never refers to slots whose low byte is FE or FF and writes such
   * names again. A full table is emptied before the next name.
   */
  private shareName(name: string): string {
    this.values += nameCost
    if (this.names !== null) {
      if (this.names.length === tableSize) this.names = []
      this.names.push(name)
    }
    return name
  }

  private shareString(text: string): string {
    if (this.strings !== null) {
      if (this.strings.length === tableSize) this.strings = []
      this.strings.push(text)
    }
    return text
  }

  private sharedName(slot: number, at: number): string {
    const name = this.names?.[slot]
    if (name === undefined) throw this.error('bad-reference', at, `name ${slot} is not defined`)
    return name
  }

  private sharedString(slot: number, at: number): string {
    const text = this.strings?.[slot]
    if (text === undefined) throw this.error('bad-reference', at, `string ${slot} is not defined`)
    return text
  }

  private ascii(length: number): string {
    const start = this.take(length)
    return this.bytes.latin1Slice(start, start + length)
  }

  private utf8(length: number): string {
    const start = this.take(length)
    return this.utf8Slice(start, start + length)
  }

  private utf8Slice(start: number, end: number): string {
    const text = this.bytes.utf8Slice(start, end)
    // Only a string that comes back as the same bytes was valid UTF-8; the check is paid for by the odd ones alone.
    if (text.includes('\ufffd') && !Buffer.from(text).equals(this.bytes.subarray(start, end)))
      throw this.error('bad-value', start, 'a string is not UTF-8')
    return text
  }

  private longString(unicode: boolean): string {
    const start = this.position
    const end = this.bytes.indexOf(endOfString, start)
    if (end < 0) throw this.error('truncated', start, 'a long string does not end')
    if (end - start > maxTextBytes) throw this.error('too-large', start, `a text of ${end - start} bytes`)
    this.position = end + 1
    return unicode ? this.utf8Slice(start, end) : this.bytes.latin1Slice(start, end)
  }

  /** Seven bits a byte, the last byte marked by its top bit and carrying six. */
  private unsigned(): bigint | number {
    const at = this.position
    let value = 0
    for (let count = 0; count < 4; count++) {
      const byte = this.byte()
      if (byte >= 0x80) return value * 64 + (byte & 0x3f)
      value = value * 128 + byte
    }
    let wide = BigInt(value)
    for (let count = 0; count < 6; count++) {
      const byte = this.byte()
      if (byte >= 0x80) return BigInt.asUintN(64, (wide << 6n) | BigInt(byte & 0x3f))
      wide = (wide << 7n) | BigInt(byte)
    }
    throw this.error('bad-value', at, 'an integer is longer than ten bytes')
  }

  private integer(): number | bigint {
    const value = this.unsigned()
    if (typeof value === 'number') return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    return plain((value >> 1n) ^ -(value & 1n))
  }

  private length(): number {
    const at = this.position
    const length = Number(this.unsigned())
    if (length > this.bytes.length) throw this.error('truncated', at, `${length} bytes are announced`)
    return length
  }

  private bigInteger(): bigint {
    const at = this.position
    if (this.length() > maxBigIntegerBytes) throw this.error('too-large', at, 'a big integer is too long')
    this.position = at
    const bytes = this.packedBinary()
    return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
  }

  /** As the nearest double: nothing in a repository needs more. */
  private bigDecimal(): number {
    const scale = this.integer()
    return Number(`${this.bigInteger()}e${-Number(scale)}`)
  }

  /** Seven bits a byte, most significant first; the last byte is right-aligned. */
  private packedBinary(): Buffer {
    const length = this.length()
    const packed = Math.ceil((length * 8) / 7)
    let at = this.take(packed)
    const out = Buffer.allocUnsafe(length)
    let bits = 0
    let count = 0
    for (let i = 0; i < length; i++) {
      while (count < 8) {
        const byte = this.bytes[at++] ?? 0
        const left = (length - i) * 8 - count
        const used = Math.min(left, 7)
        bits = ((bits << used) | (byte & ((1 << used) - 1))) & 0x7fff
        count += used
      }
      count -= 8
      out[i] = (bits >> count) & 0xff
    }
    return out
  }

  private float32(): number {
    const start = this.take(5)
    const out = Buffer.alloc(4)
    let bits = 0
    for (let i = 0; i < 5; i++) bits = bits * 128 + ((this.bytes[start + i] ?? 0) & 0x7f)
    out.writeUInt32BE(bits % 2 ** 32)
    return out.readFloatBE(0)
  }

  private float64(): number {
    const start = this.take(10)
    const out = Buffer.alloc(8)
    let bits = 0n
    for (let i = 0; i < 10; i++) bits = (bits << 7n) | BigInt((this.bytes[start + i] ?? 0) & 0x7f)
    out.writeBigUInt64BE(BigInt.asUintN(64, bits))
    return out.readDoubleBE(0)
  }

  private enter(at: number): void {
    this.values += structureCost
    if (++this.depth > this.maxDepth) throw this.error('too-deep', at, `nested deeper than ${this.maxDepth}`)
  }

  private peek(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw this.error('truncated', this.position, 'the document is cut off')
    return byte
  }

  private byte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined) throw this.error('truncated', this.position, 'the document is cut off')
    this.position++
    return byte
  }

  /** Moves over `length` bytes and returns where they start. */
  private take(length: number): number {
    const start = this.position
    if (length > this.bytes.length - start) throw this.error('truncated', start, 'the document is cut off')
    this.position = start + length
    return start
  }

  private badToken(token: number, at: number): DecodeError {
    return this.error('bad-token', at, `no value starts with ${hex(token)}`)
  }

  private error(kind: ConstructorParameters<typeof DecodeError>[0], at: number, message: string): DecodeError {
    return new DecodeError(kind, at, message)
  }
}

function plain(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function hex(token: number): string {
  return `0x${token.toString(16).padStart(2, '0')}`
}
