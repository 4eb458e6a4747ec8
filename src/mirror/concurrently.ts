/** Work on the values of an iterator, a bounded number at a time, without queueing what is still to come. */

/**
 * Ends when all is done. The first error aborts `signal` of the others, and is thrown once they have all ended.
 */
export async function concurrently<T>(
  values: Iterable<T>,
  limit: number,
  parent: AbortSignal,
  work: (value: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController()
  const signal = AbortSignal.any([parent, failure.signal])
  const iterator = values[Symbol.iterator]()
  let failed: { readonly error: unknown } | null = null
  async function worker(): Promise<void> {
    for (;;) {
      if (failed !== null) return
      try {
        signal.throwIfAborted()
        const next = iterator.next()
        if (next.done === true) return
        await work(next.value, signal)
      } catch (error) {
        failed ??= { error }
        failure.abort(error)
        return
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker))
  const first = failed as { readonly error: unknown } | null
  if (first !== null) throw first.error
}
