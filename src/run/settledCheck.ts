/** A check that holds: repeated while a writer moves the repository under it, and then careful with blame. */
import type { BlobReader } from '../blobs/port.ts'
import type { ByteBudget } from '../check/bytes.ts'
import { check } from '../check/check.ts'
import { makeFinding } from '../check/findings.ts'
import type { CheckResult, Mark } from '../check/result.ts'
import type { Log } from '../log.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import { currentGeneration } from '../repository/generation.ts'
import type { Clock } from '../time.ts'

export interface SettledCheckOptions {
  readonly blobs: BlobReader
  readonly credit: 'shared' | 'strict'
  /** Requests in flight. */
  readonly requests: number
  readonly maxMetadataBytes: number
  /** Read every byte as well; absent: no data blob is read. */
  readonly bytes?: ByteBudget
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** How often a repository that moves under us is read again before what is left stays open. */
const rounds = 3

/**
 * A check is conclusive when the generation is the same before and after it, or when it found nothing. Otherwise the
 * newer generation is checked as a whole: whatever was superseded or deleted meanwhile drops out by itself.
 */
export async function checkSettled(
  options: SettledCheckOptions,
): Promise<{ catalogue: Catalogue; checked: CheckResult }> {
  const { blobs, clock, log, signal } = options
  for (let round = 1; ; round++) {
    const catalogue = await openCatalogue(blobs, {
      concurrency: options.requests,
      maxMetadataBytes: options.maxMetadataBytes,
      signal,
    })
    const { generation } = catalogue.repositoryData.identity
    const checked = await check({
      catalogue,
      blobs,
      credit: options.credit,
      requests: options.requests,
      nowMs: clock.nowMs(),
      ...(options.bytes === undefined ? {} : { bytes: options.bytes }),
      log,
      signal,
    })
    if (checked.findings.every(finding => finding.severity === 'information')) return { catalogue, checked }
    const now = await currentGeneration(blobs, signal)
    if (now === generation) return { catalogue, checked }
    log.info(`the repository moved from generation ${generation} to ${now} while it was read; reading it again`)
    if (round === rounds) return { catalogue, checked: unsettled(checked) }
  }
}

/** Writers that never pause: what was found may be theirs, so nobody is accused. */
function unsettled(checked: CheckResult): CheckResult {
  const moved = { verdict: 'inconclusive', reason: 'repository-moved' } as const
  const calm = (mark: Mark): Mark => (mark.verdict === 'fail' ? moved : mark)
  const calmAll = <Marks extends { catalogue: Mark; presence: Mark; byteProof?: Mark }>(marks: Marks): Marks => ({
    ...marks,
    catalogue: calm(marks.catalogue),
    presence: calm(marks.presence),
    ...(marks.byteProof === undefined ? {} : { byteProof: calm(marks.byteProof) }),
  })
  return {
    ...checked,
    findings: checked.findings.map(finding =>
      finding.severity === 'error'
        ? makeFinding({
            ...finding,
            severity: 'information',
            message: `${finding.message} (the repository was being written)`,
          })
        : finding,
    ),
    snapshots: checked.snapshots.map(snapshot => ({ ...calmAll(snapshot), copies: snapshot.copies.map(calmAll) })),
  }
}
