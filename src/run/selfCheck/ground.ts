/** The built-in repository, whole, with what a healthy look at it says: the ground that damage is planted in. */
import type { BlobReader } from '../../blobs/port.ts'
import type { CheckResult } from '../../check/result.ts'
import { describeError } from '../../errors.ts'
import { silentLog } from '../../log.ts'
import type { ContentRecord } from '../../model/plan.ts'
import type { SnapshotUuid } from '../../model/repository.ts'
import { type MappedBlob, mapBlobs } from '../../repository/damage/blob-map.ts'
import { type BuiltIn, readBuiltIn } from '../../repository/damage/built-in.ts'
import { type DamageLevel, damageLevels } from '../../repository/damage/kinds.ts'
import { memoryReader } from '../../repository/damage/memory-reader.ts'
import type { Clock } from '../../time.ts'
import type { CheckReport } from '../checkReport.ts'
import { checkSettled } from '../settledCheck.ts'
import { askCheck } from './answer.ts'

export interface Ground extends BuiltIn {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly reader: BlobReader
  readonly blobMap: readonly MappedBlob[]
  /** Key of `index-N`. */
  readonly root: string
  readonly healthy: Readonly<Record<DamageLevel, CheckReport>>
  readonly checked: CheckResult
  readonly catalogue: Awaited<ReturnType<typeof checkSettled>>['catalogue']
  readonly contents: readonly ContentRecord[]
  uuidOf(snapshot: string): SnapshotUuid
}

/** A bucket: with ETags, so that what an earlier look saw counts. */
export function asBucket(blobs: ReadonlyMap<string, Buffer>): BlobReader {
  return memoryReader(blobs, { basePath: 'snapshots', etags: true })
}

export async function openGround(clock: Clock, signal: AbortSignal): Promise<Ground> {
  const builtIn = await readBuiltIn()
  const reader = asBucket(builtIn.blobs)
  const settled = await checkSettled({
    blobs: reader,
    requests: 8,
    maxMetadataBytes: 1 << 28,
    credit: 'shared',
    collect: 'all',
    bytes: { bytesLeft: null, isOver: () => false },
    clock,
    log: silentLog,
    signal,
  })
  const { catalogue, checked } = settled
  const [catalogueOnly, presence, bytes] = await Promise.all(
    damageLevels.map(async level => {
      const { report, error } = await askCheck(reader, level, { clock, signal })
      if (report === null) throw new Error(`the healthy repository cannot be checked: ${describeError(error)}`)
      return report
    }),
  )
  if (catalogueOnly === undefined || presence === undefined || bytes === undefined)
    throw new Error('a level is missing')
  const { snapshots } = catalogue.repositoryData
  return {
    ...builtIn,
    clock,
    signal,
    reader,
    blobMap: await mapBlobs(catalogue, reader, signal),
    root: catalogue.repositoryDataBlob.key,
    healthy: { catalogue: catalogueOnly, presence, bytes },
    checked,
    catalogue,
    contents: checked.contents.map(content => ({ ...content, proof: null, lastInconclusive: null })),
    uuidOf: name => {
      const found = snapshots.find(snapshot => snapshot.name === name)
      if (found === undefined) throw new Error(`the built-in repository has no snapshot ${name}`)
      return found.uuid
    },
  }
}
