/**
 * A SMILE encoder, independent of the decoder: what Jackson writes with shared names on. The only one; tests use it too.
 * Source: FasterXML/jackson-dataformats-binary: smile/…/SmileGenerator.java @ 2.17.2
 */
import type { SmileValue } from '../../../src/repository/smile.ts'

export interface EncoderOptions {
  readonly sharedNames: boolean
  readonly sharedValues: boolean
}

const asServersDo: EncoderOptions = { sharedNames: true, sharedValues: false }

export function encodeSmile(value: SmileValue, options: EncoderOptions = asServersDo): Buffer {
  const encoder = new Encoder(options)
  encoder.value(value)
  return encoder.out.done()
}

/** Bytes that grow. */
class Output {
  private bytes = Buffer.allocUnsafe(4096)
  private length = 0

  byte(value: number): void {
    this.room(1)
    this.bytes[this.length++] = value
  }

  raw(bytes: Buffer): void {
    this.room(bytes.length)
    bytes.copy(this.bytes, this.length)
    this.length += bytes.length
  }

  latin1(text: string): void {
    this.room(text.length)
    this.bytes.write(text, this.length, 'latin1')
    this.length += text.length
  }

  done(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length))
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + more))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}

class Encoder {
  readonly out = new Output()
  private readonly names: Table
  private readonly values: Table

  constructor({ sharedNames, sharedValues }: EncoderOptions) {
    this.names = new Table(sharedNames)
    this.values = new Table(sharedValues)
    this.out.latin1(':)\n')
    this.out.byte(0x04 | (sharedNames ? 1 : 0) | (sharedValues ? 2 : 0))
  }

  value(value: SmileValue): void {
    const { out } = this
    if (typeof value === 'string') this.string(value)
    else if (typeof value === 'number') this.number(value)
    else if (value === null) out.byte(0x21)
    else if (typeof value === 'boolean') out.byte(value ? 0x23 : 0x22)
    else if (typeof value === 'bigint') {
      out.byte(0x25)
      this.vint(zigzag(value))
    } else if (Buffer.isBuffer(value)) {
      out.byte(0xfd)
      this.count(value.length)
      out.raw(value)
    } else if (Array.isArray(value)) {
      out.byte(0xf8)
      for (const entry of value) this.value(entry)
      out.byte(0xf9)
    } else {
      out.byte(0xfa)
      for (const [key, entry] of Object.entries(value)) {
        this.name(key)
        this.value(entry)
      }
      out.byte(0xfb)
    }
  }

  private number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.out.byte(0x29)
      this.out.raw(float64(value))
    } else if (value >= -16 && value <= 15) this.out.byte(0xc0 | (value < 0 ? -value * 2 - 1 : value * 2))
    else {
      this.out.byte(value === (value | 0) ? 0x24 : 0x25)
      if (Math.abs(value) < 2 ** 51) this.count(value < 0 ? -value * 2 - 1 : value * 2)
      else this.vint(zigzag(BigInt(value)))
    }
  }

  /** A variable integer from 0 to 2^52, without the cost of `bigint`. */
  private count(value: number): void {
    let factor = 64
    while (value >= factor) factor *= 128
    while (factor > 64) {
      factor /= 128
      this.out.byte(Math.floor(value / factor) % 128)
    }
    this.out.byte(0x80 | (value % 64))
  }

  private name(text: string): void {
    const { out } = this
    const slot = this.names.find(text)
    if (text === '') out.byte(0x20)
    else if (slot !== undefined) {
      if (slot < 64) out.byte(0x40 + slot)
      else {
        out.byte(0x30 | (slot >> 8))
        out.byte(slot & 0xff)
      }
    } else {
      this.names.add(text)
      if (isAscii(text)) this.text(text, null, text.length <= 64 ? 0x7f + text.length : 0x34, text.length > 64)
      else {
        const bytes = Buffer.from(text)
        this.text(text, bytes, bytes.length <= 57 ? 0xc0 + bytes.length - 2 : 0x34, bytes.length > 57)
      }
    }
  }

  private string(text: string): void {
    const { out } = this
    if (text === '') {
      out.byte(0x20)
      return
    }
    const bytes = isAscii(text) ? null : Buffer.from(text)
    const length = bytes?.length ?? text.length
    if (length > (bytes === null ? 64 : 65)) {
      this.text(text, bytes, bytes === null ? 0xe0 : 0xe4, true)
      return
    }
    const slot = this.values.find(text)
    if (slot !== undefined) {
      if (slot < 31) out.byte(slot + 1)
      else {
        out.byte(0xec | (slot >> 8))
        out.byte(slot & 0xff)
      }
      return
    }
    this.values.add(text)
    if (bytes === null) this.text(text, null, length <= 32 ? 0x3f + length : 0x60 + length - 33, false)
    else this.text(text, bytes, length <= 33 ? 0x80 + length - 2 : 0xa0 + length - 34, false)
  }

  /** Token, bytes (null: the text is ASCII), and the end marker of the long forms. */
  private text(text: string, bytes: Buffer | null, token: number, marked: boolean): void {
    this.out.byte(token)
    if (bytes === null) this.out.latin1(text)
    else this.out.raw(bytes)
    if (marked) this.out.byte(0xfc)
  }

  private vint(value: bigint): void {
    const bytes = [Number(value & 0x3fn) | 0x80]
    for (let rest = value >> 6n; rest > 0n; rest >>= 7n) bytes.push(Number(rest & 0x7fn))
    for (let i = bytes.length - 1; i >= 0; i--) this.out.byte(bytes[i] ?? 0)
  }
}

/** Slots whose low byte is FE or FF are never referred to, so that such texts are written again. */
class Table {
  private readonly on: boolean
  private slots = new Map<string, number>()
  private used = 0

  constructor(on: boolean) {
    this.on = on
  }

  find(text: string): number | undefined {
    if (!this.on) return undefined
    const slot = this.slots.get(text)
    return slot === undefined || (slot & 0xff) >= 0xfe ? undefined : slot
  }

  add(text: string): void {
    if (!this.on) return
    if (this.used === 1024) {
      this.slots = new Map()
      this.used = 0
    }
    this.slots.set(text, this.used++)
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

function float64(value: number): Buffer {
  const raw = Buffer.alloc(8)
  raw.writeDoubleBE(value)
  let bits = raw.readBigUInt64BE()
  const out = Buffer.alloc(10)
  for (let i = 9; i >= 0; i--) {
    out[i] = Number(bits & 0x7fn)
    bits >>= 7n
  }
  return out
}
