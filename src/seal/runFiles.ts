/** Are the files in the folders of runs those that were sealed? */
import { createHash } from 'node:crypto'
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import type { SealProblem, TrustedSeal } from './chain.ts'
import type { Sha256 } from './record.ts'

/** Longer than any report. */
const maxFileBytes = 1024 ** 3

/**
 * `good`: ascending. Of a run that was sealed more than once the last seal counts.
 *
 * @throws SnapproofError those of the store
 */
export async function compareRunFiles(
  good: readonly TrustedSeal[],
  runs: BlobReader,
  signal: AbortSignal,
): Promise<SealProblem[]> {
  const problems: SealProblem[] = []
  for (const { number, runId, runJson, reportHtml } of new Map(good.map(seal => [seal.runId, seal])).values()) {
    for (const [name, sealed] of [
      ['run.json', runJson],
      ['report.html', reportHtml],
    ] as const) {
      const found = await hashOf(runs, `${runId}/${name}`, signal)
      if (found === sealed) continue
      const file = `${runId}/${name}`
      problems.push(
        found === null
          ? { kind: 'missing', number, to: null, message: `${file}, which seal ${number} names, is not in ${runs.url}` }
          : { kind: 'altered', number, to: null, message: `${file} is not the one that seal ${number} names` },
      )
    }
  }
  return problems
}

/** Null: it is not there. */
async function hashOf(store: BlobReader, key: string, signal: AbortSignal): Promise<Sha256 | 'too long' | null> {
  try {
    const { body, bytes } = await store.get(key, { signal })
    if (bytes > maxFileBytes) return 'too long'
    const hash = createHash('sha256')
    for await (const chunk of body) hash.update(chunk)
    return hash.digest('hex')
  } catch (error) {
    if (isSnapproofError(error, 'not-found')) return null
    throw error
  }
}
