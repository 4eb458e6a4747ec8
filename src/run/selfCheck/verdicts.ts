/** From what was found and what is remembered to the verdicts of a night: bad news must reach exactly the snapshots that it hits. */
import type { CheckResult } from '../../check/result.ts'
import { silentLog } from '../../log.ts'
import type { Finding } from '../../model/finding.ts'
import type { ContentProof, ContentRecord } from '../../model/plan.ts'
import type { Policy } from '../../model/policy.ts'
import type { VerdictValue } from '../../model/verdict.ts'
import type { MappedBlob } from '../../repository/damage/blob-map.ts'
import { damagedReader } from '../../repository/damage/damaged-reader.ts'
import type { Change } from '../../repository/damage/kinds.ts'
import { checkSettled } from '../settledCheck.ts'
import { judgeSnapshots } from '../verdicts.ts'
import type { Ground } from './ground.ts'
import type { Planted } from './planted.ts'
import type { Restorable } from './restorable.ts'

const dayMs = 86_400_000
const nowMs = Date.UTC(2030, 0, 1)
const runId = 'self-check'
const policy: Policy = {
  startMs: null,
  restoreNewestWithinDays: 7,
  restoreEveryContentWithinDays: 180,
  bytesWithinDays: 90,
  credit: 'shared',
  accepted: [],
}

/** Verdict at `restore` of those that are hit; everybody else passes. */
interface Case {
  readonly what: string
  readonly code?: Planted['code']
  readonly verdict: VerdictValue
  /** Uuids. */
  readonly hit: readonly string[]
  readonly seen: () => Promise<Seen> | Seen
}

interface Seen {
  readonly checked: CheckResult
  readonly contents: readonly ContentRecord[]
  readonly workFindings?: readonly Finding[]
}

export function verdicts(ground: Ground, restorables: readonly Restorable[]): Planted[] {
  const [some] = restorables
  if (some === undefined) throw new Error('the built-in repository has no content')
  const { checked } = ground
  const proven = restorables.map(one => ({ ...one.content, proof: passOf(one) }))
  const hit = uuidsOf(some.content, ground)
  const others = proven.filter(({ contentId }) => contentId !== some.content.contentId)
  const withProof = (what: string, verdict: VerdictValue, change: Partial<ContentRecord>): Case => {
    const contents = [...others, { ...some.content, proof: passOf(some), ...change }]
    return { what, verdict, hit, seen: () => ({ checked, contents }) }
  }
  const old = { ...passOf(some), provenMs: nowMs - 181 * dayMs }
  const cases: Case[] = [
    { what: 'every content is proven', verdict: 'pass', hit: [], seen: () => ({ checked, contents: proven }) },
    withProof('a restore failed', 'fail', { proof: { ...passOf(some), verdict: 'fail', reason: 'found' } }),
    withProof('nothing was proven', 'inconclusive', { proof: null }),
    withProof('a blob has changed since the proof', 'inconclusive', { witness: 'another' }),
    withProof('nobody can tell whether a blob has changed since the proof', 'inconclusive', { witness: null }),
    withProof('the proof is older than the policy allows', 'inconclusive', { proof: old }),
    condemned(ground, proven),
  ]
  const damages: readonly [string, MappedBlob['kind'], Change][] = [
    ['a data blob is missing', 'data-blob', { type: 'missing' }],
    ['a data blob is corrupt', 'data-blob', { type: 'flip', at: 20, mask: 1 }],
    ['the metadata of an index are missing', 'index-metadata', { type: 'missing' }],
    ['the list of a shard is corrupt', 'shard-snapshot', { type: 'flip', at: 60, mask: 1 }],
    ['the root of a snapshot is missing', 'root-snapshot', { type: 'missing' }],
  ]
  for (const [what, kind, change] of damages) {
    const blob = ground.blobMap.find(one => one.kind === kind && one.neededBy.length > 0)
    if (blob === undefined) throw new Error(`the built-in repository has no ${kind}`)
    const { key, neededBy } = blob
    cases.push({ what, verdict: 'fail', hit: neededBy, seen: () => lookAt(key, change, proven, ground) })
  }
  return cases.map(one => ({
    what: `verdicts of a night: ${one.what}`,
    code: one.code ?? null,
    ask: async () => complaints(one, await one.seen(), ground),
  }))
}

function passOf({ content, evidence }: Restorable): ContentProof {
  return {
    verdict: 'pass',
    reason: 'proven',
    provenMs: nowMs - dayMs,
    witness: content.witness,
    runId,
    snapshot: evidence.snapshot,
    snapshotUuid: evidence.snapshotUuid,
    method: 'restore',
    seconds: 1,
  }
}

/** The mirror met a bad blob of what was proven before. */
function condemned({ checked, blobMap }: Ground, contents: readonly ContentRecord[]): Case {
  const blob = blobMap.find(one => one.kind === 'data-blob' && one.neededBy.length === 1)
  if (blob === undefined) throw new Error('the built-in repository has no data blob that one snapshot alone needs')
  const { key, index, shard, neededBy } = blob
  const place = { key, index, shard, snapshots: neededBy }
  const code = 'corrupt-data-blob'
  const finding: Finding = { ...place, id: '0', code, severity: 'error', message: '', advice: '' }
  const seen = () => ({ checked, contents, workFindings: [finding] })
  return { what: 'the mirror met a bad blob', code, verdict: 'fail', hit: neededBy, seen }
}

/** The night after a blob went bad, with the proofs of the night before. */
async function lookAt(
  key: string,
  change: Change,
  before: readonly ContentRecord[],
  { reader, clock, signal }: Ground,
): Promise<Seen> {
  const { checked } = await checkSettled({
    blobs: damagedReader(reader, { key, change }),
    requests: 8,
    maxMetadataBytes: 1 << 28,
    credit: 'shared',
    collect: 'all',
    bytes: { bytesLeft: null, isOver: () => false },
    clock: { ...clock, sleep: async () => {} },
    log: silentLog,
    signal,
  })
  const known = new Map(before.map(({ indexId, contentId, proof }) => [`${indexId} ${contentId}`, proof]))
  const contents = checked.contents.map(content => ({
    ...content,
    proof: known.get(`${content.indexId} ${content.contentId}`) ?? null,
    lastInconclusive: null,
  }))
  return { checked, contents }
}

function complaints({ verdict, hit }: Case, seen: Seen, { catalogue }: Ground): string[] {
  const judged = judgeSnapshots({
    repository: catalogue.repositoryData,
    checked: seen.checked,
    contents: seen.contents,
    workFindings: seen.workFindings ?? [],
    left: new Map(),
    expired: new Set(),
    policy,
    runId,
    checkedAtMs: nowMs,
    nowMs,
  })
  const wrong = judged.flatMap(({ entry, levels }) => {
    const wanted = hit.includes(entry.uuid) ? verdict : 'pass'
    const { verdict: got, reason } = levels.restore.mark
    return got === wanted ? [] : [`${entry.name} is ${got} (${reason}) at restore, expected ${wanted}`]
  })
  return judged.length === 0 ? ['no snapshot was judged'] : wrong
}

function uuidsOf({ snapshots }: ContentRecord, { catalogue }: Ground): string[] {
  return snapshots.map(position => catalogue.repositoryData.snapshots[position]?.uuid ?? '')
}
