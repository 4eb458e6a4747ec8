/**
 * The damage suite: one fixture, its plan of damages, and what is wrong with the answer of a check to each of them.
 * The answer is held against the plan and against the answer of the same check to the whole repository: who is not
 * accused must stand exactly as before.
 */

import { setImmediate } from 'node:timers/promises'
import type { BlobReader } from '../../../src/blobs/port.ts'
import { describeError, isSnapproofError } from '../../../src/errors.ts'
import { silentLog } from '../../../src/log.ts'
import { openCatalogue } from '../../../src/repository/catalogue.ts'
import { type MappedBlob, mapBlobs } from '../../../src/repository/damage/blob-map.ts'
import { damagedReader } from '../../../src/repository/damage/damaged-reader.ts'
import { type Damage, type DamageLevel, damageLevels, type Outcome } from '../../../src/repository/damage/kinds.ts'
import { planDamages } from '../../../src/repository/damage/plan.ts'
import { decodeShardGeneration } from '../../../src/repository/shard-generation.ts'
import { type CheckReport, checkReport } from '../../../src/run/checkReport.ts'
import { type Clock, systemClock } from '../../../src/time.ts'
import { rewrite } from '../../support/envelope.ts'
import type { RepositoryFixture } from '../../support/fixtures.ts'
import { type Files, filesOf, memoryReader } from '../../support/memoryReader.ts'

const signal = new AbortController().signal
/** Pauses cost nothing: the repository does not move. */
const clock: Clock = { ...systemClock, sleep: async () => {} }

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

/** The first of each sort of damage: every kind of blob, every fault, every field of `index-N`. */
export function oneOfEach(damages: readonly Damage[]): Damage[] {
  const sorts = new Map<string, Damage>()
  for (const damage of damages) {
    const names = /[A-Za-z0-9_-]{20,}|[0-9]+|→.*/g
    const sort = `${damage.kind} ${damage.fault} ${damage.expected.kind} ${damage.what.replaceAll(names, '').slice(0, 60)}`
    if (!sorts.has(sort)) sorts.set(sort, damage)
  }
  return [...sorts.values()]
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

export interface Answer {
  readonly report: CheckReport | null
  readonly exitCode: number | null
  readonly error: unknown
}

/** One answer of the check; pauses cost nothing. */
export async function ask(blobs: BlobReader, level: DamageLevel): Promise<Answer> {
  // A store in memory never waits, and signals are let go of between turns of the loop only.
  await setImmediate()
  try {
    const answer = await checkReport({
      level,
      maxBytes: null,
      maxSeconds: null,
      blobs,
      counts: { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 },
      requests: 8,
      maxMetadataBytes: 1 << 28,
      clock,
      log: silentLog,
      signal,
    })
    return { ...answer, error: null }
  } catch (error) {
    return { report: null, exitCode: null, error }
  }
}

function complaints(expected: Outcome, level: DamageLevel, healthy: CheckReport, answer: Answer): string[] {
  const { report, exitCode, error } = answer
  if (expected.kind === 'refused') {
    return isSnapproofError(error, expected.code) ? [] : [`expected ${expected.code}, got ${describeAnswer(answer)}`]
  }
  if (report === null) return [`the check threw: ${describeError(error)}`]
  const told = report.findings.filter(finding => finding.severity !== 'information')
  const seen = told.map(finding => `${finding.severity} ${finding.code} ${finding.key}`)
  const visible = expected.kind !== 'finding' || damageLevels.indexOf(expected.level) <= damageLevels.indexOf(level)
  if (expected.kind === 'nothing' || !visible) {
    const wrong = seen.map(text => `nothing was to be said: ${text}`)
    const forgotten = expected.kind === 'nothing' ? (expected.forgets ?? []) : []
    return [...wrong, ...spillover(healthy, report, new Set(forgotten))]
  }
  if (expected.kind === 'findings') {
    const others = told.filter(({ code }) => !expected.codes.includes(code))
    const wrong = others.map(({ code, key }) => `unexpected ${code} ${key}`)
    return told.length === 0 ? ['nothing was said'] : wrong
  }
  const wrong: string[] = []
  const [finding] = told
  if (told.length !== 1) wrong.push(`expected one finding, got ${told.length}: ${seen.slice(0, 6).join('; ')}`)
  if (finding === undefined) return wrong
  const key = named(expected, finding.key, finding.message)
  if (finding.code !== expected.code || finding.severity !== expected.severity || key !== expected.key)
    wrong.push(`expected ${expected.severity} ${expected.code} ${expected.key}, got ${seen[0]}`)
  const accused = [...finding.snapshots].sort().join()
  if (accused !== [...expected.snapshots].sort().join())
    wrong.push(`expected to accuse ${expected.snapshots}, got ${accused}`)
  const guilty = new Set(expected.severity === 'error' ? expected.snapshots : [])
  const wantedExit = expected.severity === 'error' ? 1 : null
  if (wantedExit !== null && exitCode !== wantedExit) wrong.push(`exit code ${exitCode}`)
  if (expected.code === 'unreadable-repository-data') return wrong
  for (const row of report.verdicts) {
    if (!guilty.has(row.uuid)) continue
    const reached = damageLevels.indexOf(row.level as DamageLevel) >= damageLevels.indexOf(expected.level)
    if (reached && row.verdict !== 'fail')
      wrong.push(`${row.snapshot} is ${row.verdict} (${row.reason}) at ${row.level}`)
    if (!reached && row.verdict === 'fail') wrong.push(`${row.snapshot} fails at ${row.level} already`)
  }
  if (expected.leavesOpen !== true) return [...wrong, ...spillover(healthy, report, guilty)]
  const open = new Set(expected.snapshots)
  for (const { uuid, snapshot, level, verdict } of report.verdicts)
    if (open.has(uuid) && (verdict === 'pass' || verdict === 'fail'))
      wrong.push(`${snapshot} is ${verdict} at ${level}`)
  return [...wrong, ...spillover(healthy, report, open)]
}

/** Of a file in parts nobody can tell which is wrong; `index-N` may be named in the words alone. */
function named(expected: Extract<Outcome, { kind: 'finding' }>, key: string | null, message: string): string | null {
  if (expected.code === 'corrupt-data-blob') return key?.replace(/\.part\d+$/, '') ?? null
  if (expected.code === 'unreadable-repository-data' && key === null && message.includes(expected.key))
    return expected.key
  return key
}

/** Whoever is not accused stands as in the whole repository. */
function spillover(healthy: CheckReport, report: CheckReport, guilty: ReadonlySet<string>): string[] {
  const standing = ({ verdicts }: CheckReport) =>
    verdicts
      .filter(({ uuid }) => !guilty.has(uuid))
      .map(({ uuid, level, verdict, reason }) => `${uuid} ${level} ${verdict} ${reason}`)
  const before = new Set(standing(healthy))
  const after = standing(report)
  const wrong = after.filter(row => !before.has(row)).map(row => `not accused, and stands otherwise: ${row}`)
  return after.length === before.size ? wrong : [...wrong, `${after.length} verdicts, expected ${before.size}`]
}

function describeAnswer({ report, error }: Answer): string {
  return report === null ? describeError(error) : report.findings.map(({ code }) => code).join(', ') || 'no finding'
}
