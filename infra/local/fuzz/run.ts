/** Fuzzes one target for a time, watched: a thread that hangs, dies or takes too much memory is a crash like any other. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { makeInput } from './mutate.ts'
import { fuzzTargets } from './targets.ts'
import type { FuzzCrash, FuzzOrder } from './worker.ts'

export const keptFolder = resolve(import.meta.dirname, '../../../test/fixtures/fuzz')
/** Longer for one input is a hang. The machine may be busy: the clock runs only while the thread stands still. */
const hangMs = 2000
const lookMs = 250
const heapMb = 512

export interface FuzzRun {
  readonly target: string
  readonly inputs: number
  readonly refused: number
  readonly seconds: number
  readonly crashes: readonly FuzzCrash[]
}

/** `maxCrashes`: it goes on behind a crash until there are so many. */
export async function fuzz(
  target: string,
  { seed, seconds, maxCrashes = 5 }: { readonly seed: number; readonly seconds: number; readonly maxCrashes?: number },
): Promise<FuzzRun> {
  const startedMs = Date.now()
  const endsAtMs = startedMs + seconds * 1000
  const progress = new SharedArrayBuffer(8)
  const view = new Uint32Array(progress)
  const crashes: FuzzCrash[] = []
  let from = 0
  while (Date.now() < endsAtMs && crashes.length < maxCrashes) {
    const crash = await watch({ target, seed, from, until: 2 ** 32 - 1, endsAtMs, progress })
    from = Atomics.load(view, 0) + (crash === null ? 0 : 1)
    if (crash !== null) crashes.push(crash)
  }
  return { target, inputs: from, refused: view[1] ?? 0, seconds: (Date.now() - startedMs) / 1000, crashes }
}

async function watch(order: FuzzOrder): Promise<FuzzCrash | null> {
  const view = new Uint32Array(order.progress)
  const here = (message: string): FuzzCrash => {
    return { target: order.target, seed: order.seed, number: Atomics.load(view, 0), message }
  }
  Atomics.store(view, 0, order.from)
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  let last = -1
  let stillMs = 0
  let began = false
  const timer = setInterval(() => {
    const now = Atomics.load(view, 0)
    began ||= now !== order.from
    stillMs = now === last && began ? stillMs + lookMs : 0
    last = now
    if (stillMs >= hangMs) void worker.terminate()
  }, lookMs)
  try {
    return await new Promise<FuzzCrash | null>((done, fail) => {
      worker.once('message', done)
      // Before its first input it is the fuzzer itself that is broken.
      worker.once('error', error => {
        if (began || Atomics.load(view, 0) !== order.from) done(here(`the thread died: ${error.message}`))
        else fail(error)
      })
      worker.once('exit', () => done(here(stillMs >= hangMs ? `no end after ${hangMs} ms` : 'the thread ended')))
    })
  } finally {
    clearInterval(timer)
    await worker.terminate()
  }
}

/** Writes the input that crashed where the unit tests find it; returns the path. */
export function keep({ target, seed, number }: FuzzCrash): string {
  const made = fuzzTargets[target]?.()
  if (made === undefined) throw new RangeError(`there is no target ${target}`)
  const folder = join(keptFolder, target)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${seed}-${number}.bin`)
  writeFileSync(path, makeInput(made, seed, number))
  return path
}
