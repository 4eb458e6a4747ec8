/**
 * One flipped bit in each field of `index-N`, which has no checksum: what a check can know of it is what a second blob
 * says. Only flips that leave valid JSON of the same kind are planned here; the others are unreadable anyway.
 */
import type { FindingCode } from '../../model/finding.ts'
import { type JsonSpan, jsonSpans } from './json-spans.ts'
import type { Change, Outcome } from './kinds.ts'

interface Root {
  readonly snapshots: readonly {
    readonly name: string
    readonly uuid: string
    readonly index_metadata_lookup?: Readonly<Record<string, string>>
  }[]
  readonly indices: Readonly<Record<string, { readonly id: string; readonly snapshots: readonly unknown[] }>>
  readonly index_metadata_identifiers?: Readonly<Record<string, string>>
}

export interface FieldFlip {
  readonly what: string
  readonly change: Change
  readonly expected: Outcome
}

/** Where the blobs of a shard lie; null: it holds none. */
export type FolderOf = (index: string, shard: number) => string | null

/** `key`: of the `index-N` that `bytes` are. */
export function planFieldFlips(key: string, bytes: Buffer, folderOf: FolderOf, random: () => number): FieldFlip[] {
  const root: Root = JSON.parse(bytes.toString('utf8'))
  return jsonSpans(bytes).flatMap(span => {
    const flip = chooseFlip(bytes, span, random)
    if (flip === null) return []
    const flipped = Buffer.from(bytes.subarray(span.start, span.end))
    flipped.writeUInt8(flipped.readUInt8(flip.at - span.start) ^ flip.mask, flip.at - span.start)
    const expected = outcomeOfField(key, span, flipped.toString('utf8'), root, folderOf)
    if (expected === null) return []
    const role = span.role === 'key' ? 'the name of ' : ''
    const before = bytes.toString('utf8', span.start, span.end)
    const what = `${role}${span.path.join('.')}: ${before} → ${flipped.toString('utf8')}`
    return [{ what, change: { type: 'flip', ...flip } as const, expected }]
  })
}

/** A bit of a letter or digit that gives another one; numbers keep their length. */
function chooseFlip(
  bytes: Buffer,
  { role, start, end }: JsonSpan,
  random: () => number,
): { at: number; mask: number } | null {
  const fits = role === 'other' ? /^[0-9]$/ : /^[A-Za-z0-9]$/
  const length = end - start
  const firstByte = Math.floor(random() * length)
  const firstBit = Math.floor(random() * 7)
  for (let i = 0; i < length; i++) {
    const at = start + ((firstByte + i) % length)
    for (let bit = 0; bit < 7; bit++) {
      const mask = 1 << ((firstBit + bit) % 7)
      const [old, young] = [bytes.readUInt8(at), bytes.readUInt8(at) ^ mask].map(code => String.fromCharCode(code))
      // A number of several digits must not begin with 0.
      if (role === 'other' && at === start && length > 1 && young === '0') continue
      if (fits.test(old ?? '') && fits.test(young ?? '')) return { at, mask }
    }
  }
  return null
}

const cause = 'an id or name of index-N is wrong, and everything that it leads to looks wrong'

/** Null: a field that is not planned, because no version read here writes it. */
function outcomeOfField(
  key: string,
  { path, role }: JsonSpan,
  flipped: string,
  root: Root,
  folderOf: FolderOf,
): Outcome | null {
  const [top, second, third] = path
  const isKey = role === 'key'
  if (path.length === 1) return ofRootField(key, String(top), isKey)
  if (top === 'snapshots' && typeof second === 'number') return ofSnapshotField(key, path, isKey, flipped, root)
  if (top === 'indices') {
    const index = root.indices[String(second)]
    if (index === undefined) return null
    if (path.length === 2)
      return several(['snapshot-contents-mismatch', 'corrupt-metadata-blob', 'missing-metadata-blob'])
    if (isKey) return null
    if (third === 'id')
      return several([
        'missing-metadata-blob',
        'corrupt-metadata-blob',
        'shard-generation-missing',
        'dangling-reference',
      ])
    if (third === 'snapshots') return several(['dangling-reference', 'snapshot-contents-mismatch'])
    if (third === 'shard_generations') {
      const folder = folderOf(String(second), Number(path[3]))
      if (folder === null) return several(['shard-generation-missing'])
      return one('shard-generation-missing', 'warning', `${folder}/index-${flipped}`, [])
    }
    return null
  }
  if (top === 'index_metadata_identifiers') {
    const used = users(root, String(second))
    if (used.snapshots.length === 0) return null
    if (isKey) return one('dangling-reference', 'error', key, used.snapshots)
    return one('missing-metadata-blob', 'error', `indices/${used.indexId}/meta-${flipped}.dat`, used.snapshots)
  }
  return null
}

function ofRootField(key: string, field: string, isKey: boolean): Outcome | null {
  if (isKey && (field === 'snapshots' || field === 'indices'))
    return one('unreadable-repository-data', 'error', key, [])
  if (isKey) return null
  if (field === 'min_version') return one('unreadable-repository-data', 'error', key, [])
  if (field === 'uuid' || field === 'cluster_id')
    return { kind: 'nothing', why: `no other blob states the ${field} of the repository` }
  return null
}

function ofSnapshotField(
  key: string,
  path: readonly (string | number)[],
  isKey: boolean,
  flipped: string,
  root: Root,
): Outcome | null {
  const entry = root.snapshots[Number(path[1])]
  if (entry === undefined) return null
  const field = path[2]
  if (field === 'index_metadata_lookup' && path.length === 4) {
    if (!isKey) return one('dangling-reference', 'error', key, [entry.uuid])
    // Without its identifier the index is looked for where layouts before 7.9 put it.
    return one('missing-metadata-blob', 'error', `indices/${path[3]}/meta-${entry.uuid}.dat`, [entry.uuid])
  }
  if (isKey) return null
  switch (field) {
    case 'uuid':
      return several(['dangling-reference', 'missing-metadata-blob', 'snapshot-contents-mismatch'])
    case 'state':
      if (!/^[0-4]$/.test(flipped)) return one('unreadable-repository-data', 'error', key, [])
      return {
        ...one('snapshot-contents-mismatch', 'warning', `snap-${entry.uuid}.dat`, [entry.uuid]),
        leavesOpen: true,
      }
    case 'name':
    case 'start_time_millis':
    case 'end_time_millis':
    case 'index_version':
      return one('snapshot-contents-mismatch', 'warning', `snap-${entry.uuid}.dat`, [entry.uuid])
    case 'version':
    case 'slm_policy':
      return { kind: 'nothing', why: `nothing else is held against the ${field} of a snapshot` }
    default:
      return null
  }
}

/** Snapshots, and the index, that use an identifier. */
function users(root: Root, identifier: string): { indexId: string; snapshots: string[] } {
  let indexId = ''
  const snapshots = root.snapshots.flatMap(({ uuid, index_metadata_lookup: lookup = {} }) => {
    const used = Object.entries(lookup).find(([, value]) => value === identifier)
    if (used === undefined) return []
    indexId = used[0]
    return [uuid]
  })
  return { indexId, snapshots: snapshots.sort() }
}

function one(
  code: FindingCode,
  severity: 'error' | 'warning',
  key: string,
  snapshots: readonly string[],
): Extract<Outcome, { kind: 'finding' }> {
  return { kind: 'finding', code, severity, key, snapshots, level: 'catalogue' }
}

function several(codes: readonly FindingCode[]): Outcome {
  return { kind: 'findings', codes, why: cause }
}
