/**
 * Every damage of one repository, with what a check must say of each: kinds of blob × faults, and one flipped bit in each
 * field of `index-N`. Pure; the same seed gives the same plan.
 *
 * Left out because it does not exist: an older version of a blob that servers write once under a name of its own (root
 * and shard `snap-`, global metadata, data).
 */
import type { MappedBlob } from './blob-map.ts'
import type { BlobKind, Change, Damage, FaultKind, Outcome } from './kinds.ts'
import { outcomeOf } from './outcomes.ts'
import { seededRandom } from './random.ts'
import { type FolderOf, planFieldFlips } from './repository-data-flips.ts'

export interface DamagePlanOptions {
  readonly seed: number
  /** The bytes of `index-N`, whose fields are damaged one by one; absent: only the blob as a whole is. */
  readonly repositoryData?: Buffer
  /** Earlier bytes of a blob that servers do rewrite, and the snapshots that they lack; the plan cannot make them up. */
  readonly olderVersions?: readonly {
    readonly key: string
    readonly bytes: Buffer
    readonly lacks: readonly string[]
  }[]
}

type Draft = Omit<Damage, 'number'>

export function planDamages(blobs: readonly MappedBlob[], options: DamagePlanOptions): Damage[] {
  const drafts = blobs.flatMap((blob, position) => {
    const random = seededRandom(options.seed + position * 7919)
    return [...wholeFaults(blob, random), ...swaps(blob, blobs, random), ...older(blob, blobs, options)].concat(
      blob.kind === 'repository-data' && options.repositoryData !== undefined
        ? planFieldFlips(blob.key, options.repositoryData, folderIn(blobs), random).map(flip => ({
            ...place(blob, 'flipped-body'),
            ...flip,
          }))
        : [],
    )
  })
  return drafts.map((draft, i) => ({ number: i + 1, ...draft }))
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

function folderIn(blobs: readonly MappedBlob[]): FolderOf {
  const folders = new Map(
    blobs.flatMap(({ index, shard, key }) =>
      index === null || shard === null ? [] : [[`${index}/${shard}`, key.slice(0, key.lastIndexOf('/'))] as const],
    ),
  )
  return (index, shard) => folders.get(`${index}/${shard}`) ?? null
}

function place({ key, kind }: MappedBlob, fault: FaultKind): Pick<Damage, 'key' | 'kind' | 'fault'> {
  return { key, kind, fault }
}

function wholeFaults(blob: MappedBlob, random: () => number): Draft[] {
  const draft = (fault: FaultKind, what: string, change: Change, lengthAfter = blob.bytes): Draft => ({
    ...place(blob, fault),
    what,
    change,
    expected: outcomeOf(blob, fault, lengthAfter),
  })
  const drafts = [draft('missing', 'it is not there', { type: 'missing' })]
  if (blob.bytes > 0) {
    const kept = Math.floor(random() * blob.bytes)
    const flips = flipPlaces(blob, random)
    drafts.push(
      draft('empty', 'no byte is left', { type: 'truncate', bytes: 0 }, 0),
      draft('truncated', `${kept} of ${blob.bytes} bytes are left`, { type: 'truncate', bytes: kept }, kept),
      ...flips.map(([fault, at]) => {
        const mask = 1 << Math.floor(random() * 7)
        return draft(fault, `bit ${mask} of byte ${at} is flipped`, { type: 'flip', at, mask })
      }),
    )
  }
  const tail = Buffer.alloc(1 + Math.floor(random() * 100))
  drafts.push(
    draft('longer', `${tail.length} bytes follow`, { type: 'append', tail }, blob.bytes + tail.length),
    draft('archived', 'it was moved to GLACIER', { type: 'archive', storageClass: 'GLACIER' }),
    draft('access-denied', 'the store refuses to give it', { type: 'deny' }),
  )
  return drafts
}

/** Header: Lucene's magic; footer: its checksum. `index-N` has neither: its first and last byte, the rest field by field. */
function flipPlaces({ kind, bytes }: MappedBlob, random: () => number): [FaultKind, number][] {
  if (kind === 'repository-data') {
    return [
      ['flipped-header', 0],
      ['flipped-footer', bytes - 1],
    ]
  }
  const edge = Math.min(kind === 'index-latest' ? 2 : 8, Math.ceil(bytes / 3))
  return [
    ['flipped-header', Math.floor(random() * Math.min(4, edge))],
    ['flipped-body', Math.min(bytes - 1, edge + Math.floor(random() * Math.max(1, bytes - 2 * edge)))],
    ['flipped-footer', bytes - 1 - Math.floor(random() * edge)],
  ]
}

/** The blob carries the bytes of another of its kind, of each sort of stranger that there is. */
function swaps(blob: MappedBlob, blobs: readonly MappedBlob[], random: () => number): Draft[] {
  const others = blobs.filter(other => other.key !== blob.key && other.kind === blob.kind)
  return strangers[blob.kind].flatMap(([sort, isStranger]) => {
    const candidates = others.filter(other => isStranger(blob, other))
    const other = candidates[Math.floor(random() * candidates.length)]
    if (other === undefined) return []
    return {
      ...place(blob, 'swapped'),
      what: `it carries ${sort}, ${other.key}`,
      change: { type: 'swap', key: other.key },
      expected: outcomeOf(blob, 'swapped', other.bytes),
    } as const
  })
}

type Stranger = readonly [string, (own: MappedBlob, other: MappedBlob) => boolean]
const sameSnapshot = (own: MappedBlob, other: MappedBlob) => own.neededBy[0] === other.neededBy[0]
const any: Stranger = ['another one', () => true]
const dataStrangers: readonly Stranger[] = [
  [
    'one of the same length',
    (own, other) => other.bytes === own.bytes && (other.checksum !== own.checksum || other.file === own.file),
  ],
  ['one of another length', (own, other) => other.bytes !== own.bytes],
]
const strangers: Readonly<Record<BlobKind, readonly Stranger[]>> = {
  'repository-data': [],
  'index-latest': [],
  'root-snapshot': [any],
  'global-metadata': [any],
  'index-metadata': [['that of another index', (own, other) => other.index !== own.index]],
  'shard-generation': [any],
  'shard-snapshot': [
    ['that of another snapshot', (own, other) => !sameSnapshot(own, other)],
    [
      'that of another shard',
      (own, other) => sameSnapshot(own, other) && other.index === own.index && other.shard !== own.shard,
    ],
    ['that of another index', (own, other) => sameSnapshot(own, other) && other.index !== own.index],
  ],
  'data-blob': dataStrangers,
  part: dataStrangers,
}

function older(blob: MappedBlob, blobs: readonly MappedBlob[], options: DamagePlanOptions): Draft[] {
  const known = (options.olderVersions ?? [])
    .filter(({ key }) => key === blob.key)
    .map(({ bytes, lacks }): Draft => {
      const expected = outcomeOf({ ...blob, touches: lacks }, 'older', bytes.length)
      return { ...place(blob, 'older'), what: 'its version before', change: { type: 'replace', bytes }, expected }
    })
  if (blob.kind === 'index-latest') return [...known, ...earlierGeneration(blob, blobs)]
  return [...known, ...otherStates(blob, blobs)]
}

/** Another state of the same index under the name of this one; where nothing says which it is, one of each effect. */
function otherStates(blob: MappedBlob, blobs: readonly MappedBlob[]): Draft[] {
  if (blob.kind !== 'index-metadata') return []
  const states = blobs.filter(({ kind, index, key }) => kind === blob.kind && index === blob.index && key !== blob.key)
  const own = blob.unstatedShards
  const byEffect = new Map(states.map(state => [Math.sign((state.unstatedShards ?? 0) - (own ?? 0)), state]))
  return [...byEffect].map(([effect, state]): Draft => {
    const what = `another state of the index, ${state.key}`
    const expected = own === null ? outcomeOf(blob, 'older', state.bytes) : outcomeOfUnstated(effect)
    return { ...place(blob, 'older'), what, change: { type: 'swap', key: state.key }, expected }
  })
}

/** Before 7.9: `effect` is 1 where the other state has more shards. */
function outcomeOfUnstated(effect: number): Outcome {
  const why = 'before 7.9 nothing states which state of an index a snapshot holds'
  return effect > 0 ? { kind: 'findings', codes: ['missing-metadata-blob'], why } : { kind: 'nothing', why }
}

/** What `index.latest` held before the newest generation: the server may fail to write it. */
function earlierGeneration(blob: MappedBlob, blobs: readonly MappedBlob[]): Draft[] {
  const newest = blobs.find(({ kind }) => kind === 'repository-data')?.key.slice('index-'.length) ?? '0'
  if (BigInt(newest) === 0n) return []
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(newest) - 1n)
  const expected = outcomeOf(blob, 'older', bytes.length)
  return [{ ...place(blob, 'older'), what: 'the generation before', change: { type: 'replace', bytes }, expected }]
}
