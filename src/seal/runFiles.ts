/** Are the files in the folders of runs those that were sealed? */
import { createHash } from 'node:crypto'
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import type { SealProblem, TrustedSeal } from './chain.ts'
import type { Sha256 } from './record.ts'

/** Longer than any report. */
const maxFileBytes = 1024 ** 3

export interface ComparedFiles {
  readonly problems: readonly SealProblem[]
  /** Runs whose files are all gone, as they may be by their age. */
  readonly purged: number
}

/**
 * `good`: ascending. Of a run that was sealed more than once the last seal counts.
 *
 * @param keptSince ISO UTC: files of runs that began before it are removed on purpose; null: none are
 * @throws SnapproofError those of the store
 */
export async function compareRunFiles(
  good: readonly TrustedSeal[],
  runs: BlobReader,
  keptSince: string | null,
  signal: AbortSignal,
): Promise<ComparedFiles> {
  const problems: SealProblem[] = []
  let purged = 0
  for (const seal of new Map(good.map(one => [one.runId, one])).values()) {
    const { number, startedAt } = seal
    const found = await Promise.all(
      sealedFiles(seal).map(async ({ file, sealed }) => ({ file, sealed, hash: await hashOf(runs, file, signal) })),
    )
    // Retention removes whole folders: one file without the other was removed by somebody else.
    if (keptSince !== null && startedAt < keptSince && found.every(({ hash }) => hash === null)) {
      purged++
      continue
    }
    for (const { file, sealed, hash } of found) {
      if (hash === sealed) continue
      problems.push(
        hash === null
          ? { kind: 'missing', number, to: null, message: `${file}, which seal ${number} names, is not in ${runs.url}` }
          : { kind: 'altered', number, to: null, message: `${file} is not the one that seal ${number} names` },
      )
    }
  }
  return { problems, purged }
}

function sealedFiles({
  runId,
  runJson,
  reportHtml,
}: TrustedSeal): { readonly file: string; readonly sealed: Sha256 }[] {
  return [
    { file: `${runId}/run.json`, sealed: runJson },
    { file: `${runId}/report.html`, sealed: reportHtml },
  ]
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
