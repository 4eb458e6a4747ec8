/**
 * Millions of CRC-32s by text in little memory: 13 bytes a slot, at most two slots in three taken. Keys are kept as 64 bits of
 * their SHA-256; that two of ten million are taken for one has a chance of 1 in 300,000, and the sum must then fit by chance too.
 */
import { createHash } from 'node:crypto'

/** `conflict`: the key was there with another sum; it has none from then on. */
export type AddResult = 'new' | 'same' | 'conflict'

interface Slots {
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly sums: Uint32Array
  /** 0 free, 1 taken, 2 contradictory. */
  readonly states: Uint8Array
  taken: number
}

/** Each grows by itself, so that growing never needs the memory twice. */
const tableCount = 256
const smallest = 16

export class SumTable {
  readonly #tables: Slots[] = Array.from({ length: tableCount }, () => emptySlots(smallest))
  #size = 0

  /** Keys, contradictory ones included. */
  get size(): number {
    return this.#size
  }

  add(text: string, sum: number): AddResult {
    const { table, high, low } = addressOf(text)
    let slots = this.#slots(table)
    const found = findSlot(slots, high, low)
    if (slots.states[found] === 0) {
      slots.high[found] = high
      slots.low[found] = low
      slots.sums[found] = sum
      slots.states[found] = 1
      slots.taken++
      this.#size++
      if (slots.taken * 3 > slots.states.length * 2) {
        slots = grown(slots)
        this.#tables[table] = slots
      }
      return 'new'
    }
    if (slots.states[found] === 1 && slots.sums[found] === sum) return 'same'
    slots.states[found] = 2
    return 'conflict'
  }

  /** Null: not there, or contradictory. */
  get(text: string): number | null {
    const { table, high, low } = addressOf(text)
    const slots = this.#slots(table)
    const found = findSlot(slots, high, low)
    return slots.states[found] === 1 ? (slots.sums[found] ?? null) : null
  }

  #slots(table: number): Slots {
    const slots = this.#tables[table]
    if (slots === undefined) throw new RangeError(`no table ${table}`)
    return slots
  }
}

function addressOf(text: string): { readonly table: number; readonly high: number; readonly low: number } {
  const digest = createHash('sha256').update(text).digest()
  return { table: digest[8] ?? 0, high: digest.readUInt32LE(0), low: digest.readUInt32LE(4) }
}

function emptySlots(length: number): Slots {
  return {
    high: new Uint32Array(length),
    low: new Uint32Array(length),
    sums: new Uint32Array(length),
    states: new Uint8Array(length),
    taken: 0,
  }
}

/** The slot of these 64 bits, or the free one where they belong. Lengths are powers of two, and one slot is always free. */
function findSlot({ high: highs, low: lows, states }: Slots, high: number, low: number): number {
  const mask = states.length - 1
  let at = low & mask
  while (states[at] !== 0 && (highs[at] !== high || lows[at] !== low)) at = (at + 1) & mask
  return at
}

function grown(old: Slots): Slots {
  const slots = emptySlots(old.states.length * 2)
  old.states.forEach((state, i) => {
    if (state === 0) return
    const high = old.high[i] ?? 0
    const low = old.low[i] ?? 0
    const at = findSlot(slots, high, low)
    slots.high[at] = high
    slots.low[at] = low
    slots.sums[at] = old.sums[i] ?? 0
    slots.states[at] = state
  })
  slots.taken = old.taken
  return slots
}
