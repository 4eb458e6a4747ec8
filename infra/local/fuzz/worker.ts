/**
 * One target in a thread of its own: makes inputs, decodes them, and writes down the number of each before it begins, so
 * that whoever watches can make the input again when this thread hangs or dies.
 */
import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { describeError } from '../../../src/errors.ts'
import { DecodeError } from '../../../src/repository/decode-error.ts'
import { makeInput } from './mutate.ts'
import { fuzzTargets } from './targets.ts'

export interface FuzzOrder {
  readonly target: string
  readonly seed: number
  /** First number. */
  readonly from: number
  readonly until: number
  readonly endsAtMs: number
  /** Two 32-bit numbers: the input in work, and how many were refused. */
  readonly progress: SharedArrayBuffer
}

export interface FuzzCrash {
  readonly target: string
  readonly seed: number
  readonly number: number
  readonly message: string
}

const order = workerData as FuzzOrder
const progress = new Uint32Array(order.progress)
const maxGrowth = 1024 ** 3

async function run(): Promise<FuzzCrash | null> {
  const target = fuzzTargets[order.target]?.()
  if (target === undefined || target.samples.length === 0) throw new Error(`no samples for ${order.target}`)
  const before = process.memoryUsage().arrayBuffers
  for (let number = order.from; number < order.until; number++) {
    Atomics.store(progress, 0, number)
    const crash = (message: string): FuzzCrash => ({ target: order.target, seed: order.seed, number, message })
    try {
      await target.decode(makeInput(target, order.seed, number))
    } catch (error) {
      if (!(error instanceof DecodeError))
        return crash(`${error instanceof Error ? error.name : 'thrown'}: ${describeError(error)}`)
      progress[1] = (progress[1] ?? 0) + 1
    }
    if (number % 256 !== 0) continue
    // zlib's handles are freed between turns of the loop only.
    await setImmediate()
    if (process.memoryUsage().arrayBuffers - before > maxGrowth) return crash('more than 1 GiB of buffers are held')
    if (Date.now() > order.endsAtMs) {
      Atomics.store(progress, 0, number + 1)
      return null
    }
  }
  Atomics.store(progress, 0, order.until)
  return null
}

parentPort?.postMessage(await run())
