/**
 * JSON as a stream of events, with the grammar checked: constant memory for documents of any length, and about the time of
 * `JSON.parse`. Accepts what `JSON.parse` accepts of valid UTF-8, less what goes beyond its limits.
 *
 * One pass over the bytes of each chunk; a token that a chunk cuts off is read again with the next one. Texts that come
 * again and again (uuids, names, keys) are made once.
 */
import { isUtf8 } from 'node:buffer'
import { DecodeError } from './decode-error.ts'

export type JsonScalar = string | number | boolean | null

/** Called in document order. `key` is null inside arrays and for the root. Offsets are bytes from the start. */
export interface JsonSink {
  open(kind: 'object' | 'array', key: string | null, offset: number): void
  close(kind: 'object' | 'array'): void
  scalar(value: JsonScalar, key: string | null, offset: number): void
}

const maxDepth = 100
/** Longest text or number, in bytes as written. */
const maxTokenBytes = 1024 ** 2
const numberGrammar = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** What may come next. */
const value = 0
const valueOrEnd = 1
const keyText = 2
const keyOrEnd = 3
const colon = 4
const commaOrEnd = 5
const nothing = 6
type Expecting = 0 | 1 | 2 | 3 | 4 | 5 | 6

const literals: ReadonlyMap<number, readonly [string, JsonScalar]> = new Map([
  [0x74, ['true', true]],
  [0x66, ['false', false]],
  [0x6e, ['null', null]],
])

/** Push chunks, then `end`; both throw `DecodeError`, and the sink's own errors as they are. Useless after an error. */
export class JsonEvents {
  private readonly sink: JsonSink
  private readonly texts = new TextTable()
  /** 1 for an object, 0 for an array. */
  private readonly nesting = new Uint8Array(maxDepth)
  private depth = 0
  private expecting: Expecting = value
  private key: string | null = null
  /** Of the text that was found last. */
  private hash = 0
  /** Bytes of a token that is not whole yet. */
  private rest: Buffer[] = []
  private restBytes = 0
  /** Not looked at before there are so many, so that tiny chunks of a long token cost no more than long ones. */
  private restWanted = 0
  /** Offset of the first byte that was not consumed. */
  private consumed = 0

  constructor(sink: JsonSink) {
    this.sink = sink
  }

  write(chunk: Buffer): void {
    this.restBytes += chunk.length
    const enough = this.restBytes >= this.restWanted
    // A copy where it has to wait: the next chunk may come in the same memory.
    this.rest.push(enough ? chunk : Buffer.from(chunk))
    if (enough) this.read(false)
  }

  end(): void {
    this.read(true)
    if (this.expecting === nothing && this.restBytes === 0) return
    const length = this.consumed + this.restBytes
    throw new DecodeError('truncated', length, `it ends after ${length} bytes`)
  }

  private read(last: boolean): void {
    const [only] = this.rest
    const bytes = this.rest.length === 1 && only !== undefined ? only : Buffer.concat(this.rest)
    const end = this.tokens(bytes, last)
    this.consumed += end
    this.restBytes = bytes.length - end
    this.rest = this.restBytes === 0 ? [] : [Buffer.from(bytes.subarray(end))]
    this.restWanted = this.restBytes * 2
  }

  /** Consumes whole tokens; returns where the first one begins that is not whole. `last`: nothing follows the bytes. */
  private tokens(bytes: Buffer, last: boolean): number {
    let at = 0
    while (at < bytes.length) {
      const byte = bytes[at] ?? 0
      switch (byte) {
        case 0x20:
        case 0x0a:
        case 0x0d:
        case 0x09:
          at++
          continue
        case 0x2c:
          this.allow(this.expecting === commaOrEnd, at, byte)
          this.expecting = this.nesting[this.depth - 1] === 1 ? keyText : value
          at++
          continue
        case 0x3a:
          this.allow(this.expecting === colon, at, byte)
          this.expecting = value
          at++
          continue
        case 0x7b:
        case 0x5b:
          this.open(byte === 0x7b, at, byte)
          at++
          continue
        case 0x7d:
        case 0x5d:
          this.close(byte === 0x7d, at, byte)
          at++
          continue
        case 0x22: {
          this.allow(this.expecting <= keyOrEnd, at, byte)
          this.hash = 1
          let end = this.texts.again(bytes, at + 1)
          if (end < 0) {
            end = this.textEnd(bytes, at)
            if (end < 0) return at
            if (this.hash !== 0) this.texts.take(bytes, at + 1, end - 1, this.hash)
          }
          const text = this.hash === 0 ? unusualText(bytes, at, end, this.consumed) : this.texts.text
          if (this.expecting >= keyText) {
            this.key = text
            this.expecting = colon
          } else this.scalar(text, at)
          at = end
          continue
        }
        default: {
          this.allow(this.expecting <= valueOrEnd, at, byte)
          const length = byte >= 0x61 ? this.literal(bytes, at, byte) : this.number(bytes, at, byte, last)
          if (length === 0) return at
          at += length
        }
      }
    }
    return at
  }

  /** Behind the closing quote; -1 where it is not there yet. Leaves the hash of the bytes, 0 where they are not plain. */
  private textEnd(bytes: Buffer, start: number): number {
    const { length } = bytes
    const limit = Math.min(length, start + maxTokenBytes)
    let hash = 0x811c9dc5
    let plain = true
    let at = start + 1
    while (at < limit) {
      const byte = bytes[at] ?? 0
      if (byte === 0x22) {
        this.hash = plain ? hash | 1 : 0
        return at + 1
      }
      if (byte < 0x20) throw this.badToken(at, 'a control character in a text')
      if (byte === 0x5c) {
        plain = false
        at++
      } else if (byte >= 0x80) plain = false
      hash = Math.imul(hash ^ byte, 0x01000193)
      at++
    }
    if (limit < length) throw this.tooLong(start)
    return -1
  }

  /** How many bytes it has; 0 where it is not whole yet. */
  private literal(bytes: Buffer, at: number, byte: number): number {
    const [word, constant] = literals.get(byte) ?? ['', null]
    for (let i = 0; i < word.length; i++) {
      if (at + i === bytes.length) return 0
      if (bytes[at + i] !== word.charCodeAt(i)) throw this.badToken(at + i, show(bytes[at + i]))
    }
    this.allow(word !== '', at, byte)
    this.scalar(constant, at)
    return word.length
  }

  /** How many bytes it has; 0 where it may go on in the next chunk. */
  private number(bytes: Buffer, start: number, first: number, last: boolean): number {
    this.allow(first === 0x2d || (first >= 0x30 && first <= 0x39), start, first)
    let at = start
    let digits = 0
    let plain = true
    for (; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      if (byte >= 0x30 && byte <= 0x39) digits = digits * 10 + byte - 0x30
      else if (byte === 0x2e || byte === 0x2b || byte === 0x2d || byte === 0x45 || byte === 0x65) plain = false
      else break
    }
    if (at - start > maxTokenBytes) throw this.tooLong(start)
    if (at === bytes.length && !last) return 0
    const length = at - start
    // No sign, no leading zero, nothing that a double would round.
    if (plain && length <= 15 && (first !== 0x30 || length === 1)) this.scalar(digits, start)
    else {
      const text = bytes.toString('latin1', start, at)
      if (!numberGrammar.test(text)) {
        // Cut off behind a sign, a point or an exponent it may have been one.
        if (at === bytes.length && numberGrammar.test(`${text}0`)) return 0
        throw this.badToken(start, `${text.slice(0, 40)} is no number`)
      }
      this.scalar(Number(text), start)
    }
    return length
  }

  private open(isObject: boolean, at: number, byte: number): void {
    this.allow(this.expecting <= valueOrEnd, at, byte)
    const offset = this.consumed + at
    if (this.depth === maxDepth) throw new DecodeError('too-deep', offset, `nested deeper than ${maxDepth}`)
    this.nesting[this.depth++] = isObject ? 1 : 0
    this.expecting = isObject ? keyOrEnd : valueOrEnd
    const { key } = this
    this.key = null
    this.sink.open(isObject ? 'object' : 'array', key, offset)
  }

  private close(isObject: boolean, at: number, byte: number): void {
    const empty = isObject ? keyOrEnd : valueOrEnd
    const fits = this.depth > 0 && this.nesting[this.depth - 1] === (isObject ? 1 : 0)
    this.allow(fits && (this.expecting === commaOrEnd || this.expecting === empty), at, byte)
    this.depth--
    this.expecting = this.depth === 0 ? nothing : commaOrEnd
    this.sink.close(isObject ? 'object' : 'array')
  }

  private scalar(scalar: JsonScalar, at: number): void {
    const { key } = this
    this.key = null
    this.expecting = this.depth === 0 ? nothing : commaOrEnd
    this.sink.scalar(scalar, key, this.consumed + at)
  }

  private allow(condition: boolean, at: number, byte: number): void {
    if (!condition) throw this.badToken(at, `${show(byte)} there`)
  }

  private badToken(at: number, what: string): DecodeError {
    const offset = this.consumed + at
    return new DecodeError('bad-token', offset, `not JSON at byte ${offset}: ${what}`)
  }

  private tooLong(at: number): DecodeError {
    const offset = this.consumed + at
    return new DecodeError('too-large', offset, `the token at byte ${offset} is longer than ${maxTokenBytes} bytes`)
  }
}

function show(byte: number | undefined): string {
  return byte !== undefined && byte > 0x20 && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `0x${(byte ?? 0).toString(16).padStart(2, '0')}`
}

/** A power of two each. A small repository is not worth the memory of a large one. */
const fewSlots = 1024
const manySlots = 65_536
/** Identifiers of index metadata have 33 and more. */
const longestKept = 96

/**
 * Plain texts, each made once: by their bytes, and by what followed what, because the look-ups of all snapshots and the
 * snapshots of all indices come in the same order. Bounded: one text of at most 96 bytes in each of 65,536 slots, of which most are made once the
 * first few do not do.
 */
class TextTable {
  /** The text that was found last. */
  text = ''
  private slot = 0
  private texts: string[] = new Array(fewSlots).fill('')
  /** What lies in a slot is looked at only as far as its text reaches. */
  private bytes = Buffer.allocUnsafeSlow(fewSlots * longestKept)
  /** By slot: where the text lies that followed this one the last time. */
  private followers = new Int32Array(fewSlots)
  private mask = fewSlots - 1
  private made = 0

  /** Is it the text that came after the last one before? Behind its closing quote, else -1. `from`: behind the opening quote. */
  again(bytes: Buffer, from: number): number {
    const slot = this.followers[this.slot] ?? 0
    const text = this.texts[slot] ?? ''
    const to = from + text.length
    if (bytes[to] !== 0x22 || !this.holds(slot, bytes, from, to)) return -1
    this.text = text
    this.slot = slot
    return to + 1
  }

  /** ASCII without escapes, from `from` to `to`. */
  take(bytes: Buffer, from: number, to: number, hash: number): void {
    const length = to - from
    if (length > longestKept) {
      this.text = bytes.toString('latin1', from, to)
      return
    }
    let slot = (hash ^ (hash >>> 15)) & this.mask
    if (this.texts[slot]?.length !== length || !this.holds(slot, bytes, from, to)) {
      if (++this.made === fewSlots) slot = this.grow(hash)
      this.texts[slot] = bytes.toString('latin1', from, to)
      bytes.copy(this.bytes, slot * longestKept, from, to)
    }
    this.text = this.texts[slot] ?? ''
    this.followers[this.slot] = slot
    this.slot = slot
  }

  /** Begins anew: what is met again is made again. */
  private grow(hash: number): number {
    this.texts = new Array(manySlots).fill('')
    this.bytes = Buffer.allocUnsafeSlow(manySlots * longestKept)
    this.followers = new Int32Array(manySlots)
    this.mask = manySlots - 1
    this.slot = 0
    return (hash ^ (hash >>> 15)) & this.mask
  }

  private holds(slot: number, bytes: Buffer, from: number, to: number): boolean {
    const kept = this.bytes
    for (let i = from, at = slot * longestKept; i < to; i++, at++) if (bytes[i] !== kept[at]) return false
    return true
  }
}

/** With escapes or beyond ASCII, quotes included. Throws `DecodeError`. */
function unusualText(bytes: Buffer, start: number, end: number, base: number): string {
  const written = bytes.subarray(start, end)
  const offset = base + start
  if (!isUtf8(written))
    throw new DecodeError('bad-token', offset, `not JSON at byte ${offset}: a text that is no UTF-8`)
  try {
    return String(JSON.parse(written.toString('utf8')))
  } catch (error) {
    throw new DecodeError('bad-token', offset, `not JSON at byte ${offset}: an escape that is none`, { cause: error })
  }
}
