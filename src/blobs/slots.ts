/** A counted number of slots; those who wait are served in order and can be called off. */
export interface Slots {
  /** Runs `work` once a slot is free; rejects with the signal's reason when it aborts before that. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export function slots(count: number): Slots {
  let free = count
  const waiting = new Set<() => void>()

  function take(signal: AbortSignal | undefined): Promise<void> | null {
    if (free > 0) {
      free--
      return null
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        waiting.delete(served)
        reject(signal?.reason)
      }
      const served = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      waiting.add(served)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  function release(): void {
    const [next] = waiting
    if (next === undefined) {
      free++
      return
    }
    // The slot goes from hand to hand.
    waiting.delete(next)
    next()
  }

  return {
    async run(work, signal) {
      signal?.throwIfAborted()
      await take(signal)
      try {
        return await work()
      } finally {
        release()
      }
    },
  }
}
