/** Places where processes wait for each other, so that they overlap every time and not by chance. */
import { setTimeout as delay } from 'node:timers/promises'

/** Far above what a loaded machine needs; whoever waits longer waits for nobody. */
const deadlineMs = 600_000

/** Closed until it is opened. */
export class Latch {
  readonly opened: Promise<void>
  open: () => void = () => {}

  constructor() {
    this.opened = new Promise(resolve => {
      this.open = resolve
    })
  }

  async pass(why: string): Promise<void> {
    const stop = new AbortController()
    const late = delay(deadlineMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(why)
    })
    late.catch(() => {}) // ended below
    try {
      await Promise.race([this.opened, late])
    } finally {
      stop.abort()
    }
  }
}

/** Where all wait until all are there. */
export class Meeting {
  readonly #wanted: number
  readonly #there = new Set<number>()
  readonly #met = new Latch()

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  get isOver(): boolean {
    return this.#there.size === this.#wanted
  }

  /** Waits the first time that this one comes. */
  async join(who: number): Promise<void> {
    if (this.#there.has(who)) return
    this.#there.add(who)
    if (this.isOver) this.#met.open()
    await this.#met.pass(`only ${this.#there.size} of ${this.#wanted} came`)
  }
}
