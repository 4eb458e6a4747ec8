/**
 * One for all: an error of its own would keep everything that the loop held, by its stack that nobody reads, for as long as the signal is there.
 */
const ended = new DOMException('the loop has ended', 'AbortError')

/**
 * Works on the next items while the caller looks at this one; results come in order. Leaving the loop early or an error
 * aborts what is in work.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  window: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): AsyncGenerator<R> {
  const own = new AbortController()
  const both = AbortSignal.any([signal, own.signal])
  const iterator = items[Symbol.iterator]()
  const running: Promise<R>[] = []
  const start = (): void => {
    while (running.length < window) {
      const next = iterator.next()
      if (next.done === true) return
      const promise = work(next.value, both)
      // Awaited in order below; an early rejection must not count as unhandled meanwhile.
      promise.catch(() => {})
      running.push(promise)
    }
  }
  try {
    for (start(); running.length > 0; start()) {
      const result = await running.shift()
      signal.throwIfAborted()
      yield result as R
    }
  } finally {
    own.abort(ended)
    await Promise.allSettled(running)
  }
}
