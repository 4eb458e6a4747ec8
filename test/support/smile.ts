/** A SMILE encoder for tests, independent of the decoder: what Jackson would write with shared names on. */
import type { SmileValue } from '../../src/repository/smile.ts'

export interface EncoderOptions {
  readonly sharedNames: boolean
  readonly sharedValues: boolean
}

export function encodeSmile(
  value: SmileValue,
  options: EncoderOptions = { sharedNames: true, sharedValues: false },
): Buffer {
  const chunks: Buffer[] = [
    Buffer.from([0x3a, 0x29, 0x0a, 0x04 | (options.sharedNames ? 1 : 0) | (options.sharedValues ? 2 : 0)]),
  ]
  const names = new Table(options.sharedNames)
  const values = new Table(options.sharedValues)
  const put = (...bytes: (number | Buffer)[]) => {
    for (const byte of bytes) chunks.push(typeof byte === 'number' ? Buffer.from([byte]) : byte)
  }
  const name = (text: string): void => {
    const slot = names.find(text)
    const bytes = Buffer.from(text)
    const ascii = bytes.length === text.length
    if (text !== '' && slot === undefined) names.add(text)
    if (text === '') put(0x20)
    else if (slot !== undefined) put(...(slot < 64 ? [0x40 + slot] : [0x30 | (slot >> 8), slot & 0xff]))
    else if (ascii && bytes.length <= 64) put(0x7f + bytes.length, bytes)
    else if (!ascii && bytes.length <= 57) put(0xc0 + bytes.length - 2, bytes)
    else put(0x34, bytes, 0xfc)
  }
  const string = (text: string): void => {
    const bytes = Buffer.from(text)
    const ascii = bytes.length === text.length
    const long = bytes.length > (ascii ? 64 : 65)
    const slot = long ? undefined : values.find(text)
    if (text !== '' && !long && slot === undefined) values.add(text)
    if (text === '') put(0x20)
    else if (long) put(ascii ? 0xe0 : 0xe4, bytes, 0xfc)
    else if (slot !== undefined) put(...(slot < 31 ? [slot + 1] : [0xec | (slot >> 8), slot & 0xff]))
    else if (ascii) put(bytes.length <= 32 ? 0x3f + bytes.length : 0x60 + bytes.length - 33, bytes)
    else put(bytes.length <= 33 ? 0x80 + bytes.length - 2 : 0xa0 + bytes.length - 34, bytes)
  }
  const write = (value: SmileValue): void => {
    if (value === null) put(0x21)
    else if (typeof value === 'boolean') put(value ? 0x23 : 0x22)
    else if (typeof value === 'string') string(value)
    else if (Buffer.isBuffer(value)) put(0xfd, vint(BigInt(value.length)), value)
    else if (typeof value === 'bigint') put(0x25, vint(zigzag(value)))
    else if (typeof value === 'number') {
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        if (value >= -16 && value <= 15) put(0xc0 | Number(zigzag(BigInt(value))))
        else put(value === (value | 0) ? 0x24 : 0x25, vint(zigzag(BigInt(value))))
      } else put(0x29, float64(value))
    } else if (Array.isArray(value)) {
      put(0xf8)
      for (const entry of value) write(entry)
      put(0xf9)
    } else {
      put(0xfa)
      for (const [key, entry] of Object.entries(value)) {
        name(key)
        write(entry)
      }
      put(0xfb)
    }
  }
  write(value)
  return Buffer.concat(chunks)
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

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

function vint(value: bigint): Buffer {
  const bytes = [Number(value & 0x3fn) | 0x80]
  for (let rest = value >> 6n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn))
  return Buffer.from(bytes)
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
