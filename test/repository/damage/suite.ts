/**
 * The damage suite: one fixture, its plan of damages, and what is wrong with the answer of a check to each of them.
 * The answer is held against the plan and against the answer of the same check to the whole repository: who is not
 * accused must stand exactly as before.
 */

import { setImmediate } from 'node:timers/promises'
import type { BlobReader } from '../../../src/blobs/port.ts'
import { openCatalogue } from '../../../src/repository/catalogue.ts'
import { type MappedBlob, mapBlobs } from '../../../src/repository/damage/blob-map.ts'
import { damagedReader } from '../../../src/repository/damage/damaged-reader.ts'
import type { Damage, DamageLevel } from '../../../src/repository/damage/kinds.ts'
import { oneOfEach, planDamages } from '../../../src/repository/damage/plan.ts'
import { decodeShardGeneration } from '../../../src/repository/shard-generation.ts'
import { type Answer, askCheck, complaints } from '../../../src/run/selfCheck/answer.ts'
import { systemClock } from '../../../src/time.ts'
import { rewrite } from '../../support/envelope.ts'
import type { RepositoryFixture } from '../../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../../support/memoryReader.ts'

const signal = new AbortController().signal

export { type Answer, oneOfEach }

export interface DamageSuite {
  readonly name: string
  readonly blobs: readonly MappedBlob[]
  readonly damages: readonly Damage[]
  readonly files: Files
  /** What is wrong with the answer to a damage at a level; empty: nothing. */
  judge(damage: Damage, level: DamageLevel): Promise<string[]>
}

export async function openSuite(fixture: RepositoryFixture, seed: number): Promise<DamageSuite> {
  const files = filesOf(fixture.folder)
  const reader = memoryReader(files)
  const catalogue = await openCatalogue(reader, { signal })
  const blobs = await mapBlobs(catalogue, reader, signal)
  const bytesOf = (key: string): Buffer => files.get(key) ?? Buffer.alloc(0)
  const root = catalogue.repositoryDataBlob.key
  const damages = planDamages(blobs, {
    seed,
    repositoryData: bytesOf(root),
    olderVersions: [
      olderRepositoryData(root, bytesOf(root)),
      ...blobs
        .filter(({ kind }) => kind === 'shard-generation')
        .flatMap(blob => olderGeneration(blob, bytesOf(blob.key), catalogue.repositoryData.snapshots)),
    ],
  })
  const healthy = new Map<DamageLevel, Answer>()
  return {
    name: fixture.name,
    blobs,
    damages,
    files,
    judge: async (damage, level) => {
      const before = healthy.get(level) ?? (await ask(reader, level))
      healthy.set(level, before)
      if (before.report === null) return ['the whole repository cannot be checked']
      return complaints(damage.expected, level, before.report, await ask(damagedReader(reader, damage), level))
    },
  }
}

/** Without the snapshot that ended last. */
function olderRepositoryData(key: string, bytes: Buffer) {
  const root = JSON.parse(bytes.toString('utf8'))
  const times: number[] = root.snapshots.map((one: { end_time_millis?: number }) => one.end_time_millis ?? 0)
  const [gone] = root.snapshots.splice(times.indexOf(Math.max(...times)), 1)
  for (const index of Object.values<{ snapshots: string[] }>(root.indices))
    index.snapshots = index.snapshots.filter(uuid => uuid !== gone.uuid)
  return { key, bytes: Buffer.from(JSON.stringify(root)), lacks: [gone.uuid as string] }
}

/** Without one of its snapshots: what the server wrote before it took that one. */
function olderGeneration(
  { key }: MappedBlob,
  bytes: Buffer,
  snapshots: readonly { readonly name: string; readonly uuid: string }[],
) {
  const known = [...decodeShardGeneration(bytes).snapshots.keys()]
  const gone = snapshots.findLast(({ name }) => known.includes(name))
  if (gone === undefined) return []
  const before = rewrite(bytes, root => {
    const listed = root.snapshots
    if (listed !== null && typeof listed === 'object') delete (listed as Record<string, unknown>)[gone.name]
  })
  return [{ key, bytes: before, lacks: [gone.uuid] }]
}

/** One answer of the check. */
export async function ask(blobs: BlobReader, level: DamageLevel): Promise<Answer> {
  // A store in memory never waits, and signals are let go of between turns of the loop only.
  await setImmediate()
  return await askCheck(blobs, level, { clock: systemClock, signal })
}
