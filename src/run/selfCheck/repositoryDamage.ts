/** Damage to blobs, by the check: one of each sort, alone and after a night that saw the repository whole. */
import type { BlobReader } from '../../blobs/port.ts'
import type { CheckMemory } from '../../check/memory.ts'
import { damagedReader } from '../../repository/damage/damaged-reader.ts'
import {
  type Damage,
  type DamageLevel,
  damageLevels,
  type FaultKind,
  type Outcome,
} from '../../repository/damage/kinds.ts'
import { oneOfEach, planDamages } from '../../repository/damage/plan.ts'
import { askCheck, complaints } from './answer.ts'
import { asBucket, type Ground } from './ground.ts'
import type { Planted } from './planted.ts'

/** Fixed: what is missed tonight was missed by the tests too. */
const seed = 20261123
const renewAfterMs = 90 * 86_400_000

export async function repositoryDamage(ground: Ground): Promise<Planted[]> {
  const { blobs, blobMap, reader, root } = ground
  const repositoryData = blobs.get(root)
  const plan = planDamages(blobMap, { seed, ...(repositoryData === undefined ? {} : { repositoryData }) })
  const every = oneOfEach(plan)
  const damages = oneOfEachEffect(every)
  const remembered = await afterAHealthyNight(ground)
  const planted: Planted[] = damageLevels.map(level => healthyAt(level, ground))
  const asked = new Set<string>()
  /** The first of each code; corrupt metadata of each kind. */
  const isNew = (level: string, { kind, expected }: Damage): boolean => {
    if (expected.kind !== 'finding') return false
    const sort = `${level} ${expected.code === 'corrupt-metadata-blob' ? kind : expected.code}`
    return !asked.has(sort) && asked.add(sort) !== undefined
  }
  for (const damage of damages) {
    planted.push(damaged(damage, 'bytes', ground))
    if (isNew('presence', damage)) planted.push(damaged(damage, 'presence', ground))
    // Who may read an object is not seen by looking at the listing alone, and what was proven is not read again.
    if (damage.fault !== 'access-denied' && isNew('remembered', damage)) planted.push(remembered(damage))
  }
  for (const damage of every) {
    const { kind, fault, expected } = damage
    if (kind !== 'data-blob' || fault !== 'flipped-footer' || expected.kind !== 'finding') continue
    const told = { ...expected, level: 'presence' } as const
    const ask = () => compare(told, 'presence', damagedReader(reader, damage), ground, { footers: true })
    planted.push({ what: `${tell(damage)}, by its footer`, code: expected.code, ask })
  }
  return [
    ...planted,
    neighbour(ground),
    cutShort(ground),
    partialAndBad(ground),
    ...rewritten(ground),
    ...editedRoot(ground),
    stray(ground),
  ]
}

/**
 * Faults that one comparison sees: a checksum sees every bit, a length every other length. The suite of damages has them all. What is
 * different before the footer may be seen by a decoder too; a footer that says something else is seen by its comparison alone.
 */
const effects: Readonly<Partial<Record<FaultKind, string>>> = {
  empty: 'other length',
  truncated: 'other length',
  longer: 'other length',
  'flipped-header': 'other bytes',
  'flipped-body': 'other bytes',
}

/** Each field of `index-N` by itself: it has no checksum. */
function oneOfEachEffect(damages: readonly Damage[]): Damage[] {
  const seen = new Set<string>()
  return damages.filter(({ kind, fault, expected, what }) => {
    if (kind === 'repository-data' && fault === 'flipped-body') return true
    const code = expected.kind === 'finding' ? expected.code : expected.kind
    const effect = effects[fault] ?? `${fault} ${fault === 'swapped' ? what.replace(/, [^,]*$/, '') : ''}`
    const sort = `${kind} ${effect} ${code}`
    return !seen.has(sort) && seen.add(sort) !== undefined
  })
}

function healthyAt(level: DamageLevel, { healthy }: Ground): Planted {
  const ask = () => {
    const { findings, verdicts } = healthy[level]
    const wrong = findings.map(({ code, message }) => `nothing was to be said: ${code}, ${message}`)
    for (const { snapshot, level: at, verdict, reason } of verdicts)
      if (verdict !== 'pass') wrong.push(`${snapshot} is ${verdict} (${reason}) at ${at}`)
    return verdicts.length === 0 ? [...wrong, 'no snapshot was judged'] : wrong
  }
  return { what: `the whole repository, at ${level}`, code: null, ask }
}

function damaged(damage: Damage, level: DamageLevel, ground: Ground): Planted {
  const { expected } = damage
  const ask = () => compare(expected, level, damagedReader(ground.reader, damage), ground)
  return { what: `${tell(damage)}, at ${level}`, code: codeOf(expected, level), ask }
}

/** A night that looks where an earlier one saw everything whole: what it remembers must not hide what is wrong now. */
async function afterAHealthyNight(ground: Ground): Promise<(damage: Damage) => Planted> {
  const { clock, signal, reader } = ground
  const rows = new Map<string, Buffer>()
  const memory = (kept: Map<string, Buffer>): CheckMemory => ({
    recall: subject => kept.get(subject) ?? null,
    keep: async news => {
      for (const { subject, data } of news) kept.set(subject, data)
    },
    subjects: () => kept.keys(),
    renewAfterMs,
  })
  await askCheck(reader, 'bytes', { clock, signal, memory: memory(rows) })
  return damage => {
    const ask = () =>
      compare(damage.expected, 'bytes', damagedReader(reader, damage), ground, { memory: memory(new Map(rows)) })
    return { what: `${tell(damage)}, after a healthy night`, code: codeOf(damage.expected, 'bytes'), ask }
  }
}

/** Good by every checksum, and wrong by what the blobs say of each other. */
function rewritten(ground: Ground): Planted[] {
  const { blobs, uuidOf } = ground
  const nights = ['night-1', 'night-2', 'night-3'].map(uuidOf)
  const [first = '', second = ''] = nights
  const generation = 'shard-generation-inconsistent'
  const outcomes: Readonly<Record<string, (keys: readonly string[]) => Outcome>> = {
    'generation lacks a snapshot': ([key]) => finding(generation, 'warning', key, [first]),
    'generation lacks a blob': ([key]) => finding(generation, 'warning', key, [first]),
    'generation has a blob more': ([key]) => finding(generation, 'warning', key, [first]),
    'generation has another length': ([key]) => finding(generation, 'warning', key, nights),
    'file of a segment lost': ([key]) => finding('segment-files-inconsistent', 'error', key, [second]),
    'virtual file changed': ([key]) => finding('corrupt-metadata-blob', 'error', key, [first]),
    'totals changed': ([key]) => finding('totals-mismatch', 'warning', key, [second]),
    'index promised': ([key]) => finding('snapshot-contents-mismatch', 'error', key, [second]),
    'shard failed': () => ({ kind: 'nothing', why: 'the server said so itself', leavesOpen: [second] }),
    'mounted, its data gone': ([key]) => finding('backing-snapshot-missing', 'error', key, nights),
    'mounted from elsewhere': () => finding('backing-snapshot-elsewhere', 'information', null, nights),
  }
  const names = new Set([...Object.keys(outcomes), ...ground.rewritten.keys()])
  return [...names].map((name): Planted => {
    const changed = ground.rewritten.get(name)
    const outcome = outcomes[name]
    if (changed === undefined || outcome === undefined)
      return { what: name, code: null, ask: () => ['the built-in repository and this version do not fit together'] }
    const expected = outcome([...changed.keys()])
    const ask = () => compare(expected, 'bytes', asBucket(new Map([...blobs, ...changed])), ground)
    return { what: `rewritten: ${name}`, code: codeOf(expected, 'bytes'), ask }
  })
}

/** `index-N` carries no checksum: what it says against itself. */
function editedRoot(ground: Ground): Planted[] {
  const { blobs, root } = ground
  const first = ground.uuidOf('night-1')
  const mismatch = finding('snapshot-contents-mismatch', 'warning', `snap-${first}.dat`, [first])
  // Nobody knows which of the two is right, so that it never passes.
  const partial: Outcome = { ...mismatch, leavesOpen: true }
  const edited = (what: string, expected: Outcome, edit: (text: string) => string): Planted => {
    const bytes = Buffer.from(edit(blobs.get(root)?.toString('utf8') ?? ''))
    const ask = () => compare(expected, 'bytes', asBucket(new Map([...blobs, [root, bytes]])), ground)
    return { what: `${root}: ${what}`, code: codeOf(expected, 'bytes'), ask }
  }
  return [
    edited('an index names a snapshot that is not listed', finding('dangling-reference', 'error', root, []), text =>
      text.replace('"snapshots":["', '"snapshots":["AAAAAAAAAAAAAAAAAAAAAA","'),
    ),
    edited('a snapshot is called partial', partial, text =>
      text.replace(`"uuid":"${first}","state":1`, `"uuid":"${first}","state":3`),
    ),
  ]
}

/** The list of the same shard in another snapshot: right in everything but its name. */
function neighbour(ground: Ground): Planted {
  const lists = ground.blobMap.filter(({ kind }) => kind === 'shard-snapshot')
  const folderOf = (key: string) => key.slice(0, key.lastIndexOf('/'))
  const own = lists.find(one => lists.some(other => other !== one && folderOf(other.key) === folderOf(one.key)))
  const other = lists.find(one => one !== own && folderOf(one.key) === folderOf(own?.key ?? ''))
  if (own === undefined || other === undefined)
    throw new Error('no shard of the built-in repository is in two snapshots')
  const change = { type: 'swap', key: other.key } as const
  const expected = finding('corrupt-metadata-blob', 'error', own.key, own.neededBy)
  const ask = () => compare(expected, 'bytes', damagedReader(ground.reader, { key: own.key, change }), ground)
  return { what: `${own.key} carries ${other.key}`, code: 'corrupt-metadata-blob', ask }
}

/** A snapshot that the server itself calls partial fails all the same for what is wrong with it. */
function partialAndBad(ground: Ground): Planted {
  const second = ground.uuidOf('night-2')
  const partial = ground.rewritten.get('shard failed')
  const blob = ground.blobMap.find(one => one.kind === 'data-blob' && one.shard === 0 && one.neededBy.includes(second))
  if (partial === undefined || blob === undefined)
    throw new Error('the built-in repository and this version do not fit')
  const { key, neededBy } = blob
  const expected = { ...finding('missing-data-blob', 'error', key, neededBy), level: 'presence' } as const
  const reader = damagedReader(asBucket(new Map([...ground.blobs, ...partial])), { key, change: { type: 'missing' } })
  const ask = () => compare(expected, 'presence', reader, ground)
  return { what: `${key} is missing, of a partial snapshot`, code: 'missing-data-blob', ask }
}

/** Listed with its length, and shorter when it is read. */
function cutShort(ground: Ground): Planted {
  const { reader } = ground
  const blob = ground.blobMap.find(({ kind }) => kind === 'data-blob')
  if (blob === undefined) throw new Error('the built-in repository has no data blob')
  const { key, neededBy } = blob
  const half = Math.floor(blob.bytes / 2)
  const short: BlobReader = {
    ...reader,
    get: (asked, options) => reader.get(asked, asked === key ? { ...options, start: 0, length: half } : options),
  }
  const expected = { ...finding('wrong-length', 'error', key, neededBy), level: 'bytes' } as const
  const ask = () => compare(expected, 'bytes', short, ground)
  return { what: `${key} ends early when it is read`, code: 'wrong-length', ask }
}

function stray({ blobs, ...ground }: Ground): Planted {
  const key = 'indices/AAAAAAAAAAAAAAAAAAAAAA/0/__AAAAAAAAAAAAAAAAAAAAAA'
  const expected = finding('unreferenced-blobs', 'information', null, [])
  const ask = () =>
    compare(expected, 'bytes', asBucket(new Map([...blobs, [key, Buffer.from('stray')]])), { blobs, ...ground })
  return { what: 'an object that nobody needs', code: 'unreferenced-blobs', ask }
}

async function compare(
  expected: Outcome,
  level: DamageLevel,
  reader: BlobReader,
  { healthy, clock, signal }: Ground,
  more: { readonly memory?: CheckMemory; readonly footers?: boolean } = {},
): Promise<string[]> {
  return complaints(expected, level, healthy[level], await askCheck(reader, level, { clock, signal, ...more }))
}

function finding(
  code: Extract<Outcome, { kind: 'finding' }>['code'],
  severity: 'error' | 'warning' | 'information',
  key: string | null | undefined,
  snapshots: readonly string[],
): Extract<Outcome, { kind: 'finding' }> {
  return { kind: 'finding', code, severity, key: key ?? null, snapshots, level: 'catalogue' }
}

function codeOf(expected: Outcome, level: DamageLevel): Planted['code'] {
  if (expected.kind !== 'finding') return null
  return damageLevels.indexOf(expected.level) <= damageLevels.indexOf(level) ? expected.code : null
}

function tell({ key, fault, what }: Damage): string {
  return `${key} is ${fault}: ${what}`
}
