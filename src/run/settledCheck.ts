/** A check that holds: repeated while a writer moves the repository under it, and then careful with blame. */
import type { BlobReader } from '../blobs/port.ts'
import { type CheckOptions, check } from '../check/check.ts'
import { makeFinding } from '../check/findings.ts'
import type { CheckResult, Mark } from '../check/result.ts'
import { isSnapproofError } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { RepositoryData } from '../model/repository.ts'
import { type Catalogue, compareIndexLatest, isReadAgain, openCatalogue } from '../repository/catalogue.ts'
import { currentGeneration } from '../repository/generation.ts'
import type { Clock } from '../time.ts'

export interface SettledCheckOptions extends Omit<CheckOptions, 'catalogue' | 'nowMs' | 'clock'> {
  readonly maxMetadataBytes: number
  readonly clock: Clock
}

/** How often a repository that moves under us is read again before what is left stays open. */
const rounds = 3
/** A writer that is between `index-N` and `index.latest` is given so many pauses to end. */
const latestLooks = 4
const latestPauseMs = 500

/**
 * A check is conclusive when the generation is the same before and after it and `index-N`, which has no checksum, is the same when
 * read again, or when it found nothing. Otherwise the
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
    const checked = await check({ ...options, catalogue, nowMs: clock.nowMs() })
    if (checked.findings.every(finding => finding.severity === 'information')) return { catalogue, checked }
    if (checked.findings.some(finding => finding.code === 'unreadable-blob')) await mustRead(blobs, catalogue, signal)
    const now = await currentGeneration(blobs, signal)
    const isSame = now === generation ? await isReadAgain(blobs, catalogue.repositoryDataBlob, signal) : null
    if (isSame) return { catalogue, checked: await withoutEarlyLook(checked, generation, options) }
    if (isSame === false)
      log.warn(`${catalogue.repositoryDataBlob.key} was read twice and was not the same; reading all again`)
    else log.info(`the repository moved from generation ${generation} to ${now} while it was read; reading it again`)
    // What index-N says itself holds when it says it twice.
    if (round === rounds) return { catalogue, checked: unsettled(checked, catalogue.repositoryData, isSame === null) }
  }
}

/** A refusal accuses a blob only while we may read at all: `index-N` was readable. @throws what the store says else */
async function mustRead(blobs: BlobReader, { repositoryDataBlob }: Catalogue, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await blobs.get(repositoryDataBlob.key, { start: 0, length: 1, signal })
    for await (const _ of body) break
  } catch (error) {
    // A writer has moved on.
    if (!isSnapproofError(error, 'not-found', 'changed')) throw error
  }
}

/** The server writes `index.latest` after `index-N`: only what stays different is told. */
async function withoutEarlyLook(
  checked: CheckResult,
  generation: number,
  { blobs, clock, signal }: SettledCheckOptions,
): Promise<CheckResult> {
  const others = checked.findings.filter(finding => finding.code !== 'index-latest-mismatch')
  if (others.length === checked.findings.length) return checked
  for (let look = 0; look < latestLooks; look++) {
    await clock.sleep(latestPauseMs, signal)
    // Also when the repository moved on meanwhile: then it was early.
    if ((await compareIndexLatest(blobs, generation, signal)).length === 0) return { ...checked, findings: others }
  }
  return checked
}

/**
 * Writers that never pause: what was found may be theirs, so nobody is accused. Only what `index-N` says itself holds: it
 * is one blob, read whole.
 */
function unsettled(checked: CheckResult, repository: RepositoryData, isBlobSure: boolean): CheckResult {
  const moved = { verdict: 'inconclusive', reason: 'repository-moved' } as const
  const calm = (mark: Mark): Mark => (mark.verdict === 'fail' ? moved : mark)
  const calmAll = <Marks extends { catalogue: Mark; presence: Mark; byteProof?: Mark }>(marks: Marks): Marks => ({
    ...marks,
    catalogue: calm(marks.catalogue),
    presence: calm(marks.presence),
    ...(marks.byteProof === undefined ? {} : { byteProof: calm(marks.byteProof) }),
  })
  const isOfRoot = ({ code }: Finding) => isBlobSure && code === 'dangling-reference'
  const holds = (finding: Finding) => isOfRoot(finding) || finding.severity === 'information'
  const accused = new Set(checked.findings.filter(isOfRoot).flatMap(finding => finding.snapshots))
  return {
    ...checked,
    findings: checked.findings.map(finding =>
      holds(finding)
        ? finding
        : makeFinding({
            ...finding,
            severity: 'information',
            message: `${finding.message} (the repository was being written)`,
          }),
    ),
    snapshots: checked.snapshots.map(snapshot =>
      accused.has(repository.snapshots[snapshot.snapshot]?.uuid ?? '')
        ? snapshot
        : { ...calmAll(snapshot), copies: snapshot.copies.map(calmAll) },
    ),
  }
}
