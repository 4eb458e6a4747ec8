/** Damage that only the mirror meets: blobs that were whole when they were checked, and are not when they are fetched. */
import type { BlobReader } from '../../blobs/port.ts'
import { findingOfFault } from '../../check/findings.ts'
import { receive, withoutFile } from '../../mirror/download.ts'
import { faultOf, tryTwice } from '../../mirror/fetch-item.ts'
import type { MirrorItem } from '../../mirror/port.ts'
import type { Finding, FindingCode } from '../../model/finding.ts'
import { damagedReader } from '../../repository/damage/damaged-reader.ts'
import type { Damage, FaultKind } from '../../repository/damage/kinds.ts'
import { planDamages } from '../../repository/damage/plan.ts'
import { contentsResting, distinctItems } from '../expectation.ts'
import type { Ground } from './ground.ts'
import type { Planted } from './planted.ts'
import type { Restorable } from './restorable.ts'

const seed = 20261123
/** A refusal is told from our own lack of rights by reading another blob, which the mirror on disk does. */
const notHere: ReadonlySet<FaultKind> = new Set(['access-denied', 'older'])

export function fetched(ground: Ground, restorables: readonly Restorable[]): Planted[] {
  const { reader, blobMap } = ground
  const items = distinctItems(restorables.flatMap(one => one.items))
  const planted: Planted[] = [
    {
      what: 'every blob of the whole repository, fetched',
      code: null,
      ask: async () => {
        const wrong: string[] = []
        for (const item of items) wrong.push(...(await fetchOne(item, reader, ground)).map(({ message }) => message))
        return wrong
      },
    },
  ]
  const sorts = new Set<string>()
  for (const damage of planDamages(blobMap, { seed })) {
    const { kind, fault, key, what, expected } = damage
    const item = items.find(({ parts }) => parts.some(part => part.key === key))
    const sort = `${kind} ${fault} ${lengthIsSame(damage, ground)}`
    if (item === undefined || notHere.has(fault) || expected.kind !== 'finding' || sorts.has(sort)) continue
    const code = codeOf(damage, lengthIsSame(damage, ground))
    if (code === null) continue
    sorts.add(sort)
    const ask = async () => {
      const told = await fetchOne(item, damagedReader(reader, damage), ground)
      return complaints(told, { code, snapshots: expected.snapshots, item }, restorables, kind)
    }
    planted.push({ what: `${key} is ${fault} when it is fetched: ${what}`, code, ask })
  }
  return planted
}

/** By the codec footer, the length and the CRC-32 alone: a mirror does not decode what it fetches. */
function codeOf({ kind, fault }: Damage, sameLength: boolean): FindingCode | null {
  const data = kind === 'data-blob' || kind === 'part'
  if (fault === 'missing') return data ? 'missing-data-blob' : 'missing-metadata-blob'
  if (fault === 'archived') return 'archived-blob'
  if (data) return sameLength ? 'corrupt-data-blob' : 'wrong-length'
  // Another blob of its kind ends with a good footer of its own.
  return fault === 'swapped' ? null : 'corrupt-metadata-blob'
}

function lengthIsSame({ key, change }: Damage, { blobs }: Ground): boolean {
  const length = blobs.get(key)?.length
  if (change.type === 'flip') return true
  return change.type === 'swap' && blobs.get(change.key)?.length === length
}

/** What the mirror would lay down, kept nowhere: the same reading, the same second try, the same words. */
async function fetchOne(item: MirrorItem, source: BlobReader, { signal }: Ground): Promise<Finding[]> {
  const nowhere = { begin: async () => {}, write: async () => {} }
  const attempt = await tryTwice(item, {
    have: () => null,
    discard: async () => {},
    read: async part => {
      const { reading, announced } = await receive(source, part.key, part.bytes, nowhere, signal)
      return reading === null ? withoutFile(announced) : { reading, file: part.key }
    },
  })
  const finding = attempt.problem === null ? null : findingOfFault(faultOf(item, attempt.problem))
  if (attempt.problem !== null && finding === null)
    throw new Error(`nobody is accused by ${attempt.problem.what}: ${attempt.problem.message}`)
  return finding === null ? [] : [finding]
}

function complaints(
  told: readonly Finding[],
  expected: { readonly code: FindingCode; readonly snapshots: readonly string[]; readonly item: MirrorItem },
  restorables: readonly Restorable[],
  kind: Damage['kind'],
): string[] {
  const [finding] = told
  if (finding === undefined) return [`expected error ${expected.code}, got nothing`]
  const wrong: string[] = []
  if (finding.code !== expected.code || finding.severity !== 'error')
    wrong.push(`expected error ${expected.code}, got ${finding.severity} ${finding.code}`)
  if (text(finding.snapshots) !== text(expected.snapshots))
    wrong.push(`expected to accuse ${text(expected.snapshots)}, got ${text(finding.snapshots)}`)
  // A snapshot's own blobs are in no content: the finding accuses it.
  if (kind === 'root-snapshot' || kind === 'shard-snapshot') return wrong
  const keys = new Set(expected.item.parts.map(part => part.key))
  const hit = restorables.filter(({ content, record }) => contentsResting(record, keys).has(content.contentId))
  const needing = restorables.filter(({ items }) => items.some(({ parts }) => parts.some(({ key }) => keys.has(key))))
  if (text(hit.map(idOf)) !== text(needing.map(idOf)))
    wrong.push(`expected to fail the contents ${text(needing.map(idOf))}, got ${text(hit.map(idOf))}`)
  return wrong
}

function idOf({ content }: Restorable): string {
  return content.contentId
}

function text(values: readonly string[]): string {
  return [...values].sort().join(', ') || 'nobody'
}
