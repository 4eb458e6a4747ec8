/**
 * What indices are in snapshots that are not measured yet, from the metadata that a check reads anyway. A quiet index is not read:
 * what the ledger has of it is enough.
 */
import { createHash } from 'node:crypto'
import { isMeasurable, type MeasuredAt, type Measurer, type Measuring } from '../check/measurer.ts'
import type { CheckedCopy } from '../check/result.ts'
import type { Ledger } from '../ledger/port.ts'
import { keptMeasures, type Measure, type Resting } from '../model/baseline.ts'
import type { IndexCopy, IndexMetadata, IndexRecord } from '../model/content.ts'
import type { MappingRow, MeasureRow } from '../model/journal.ts'
import type { IndexEntry, RepositoryData } from '../model/repository.ts'

/** A larger mapping is known by its number of fields only. */
const maxMappingBytes = 256 * 1024
/** A snapshot that ended later after now than this has a date that says nothing. */
const toleratedSkewMs = 3_600_000

export interface Measures extends Measurer {
  /** New rows; of indices that were not known before only the newest is judged. */
  rows(): (MeasureRow | MappingRow)[]
}

export interface MeasuresOptions {
  readonly ledger: Pick<Ledger, 'measures' | 'mappings'>
  readonly runId: string
  readonly nowMs: number
}

type Found = Omit<Measure, 'judged'>

export function newMeasures({ ledger, runId, nowMs }: MeasuresOptions): Measures {
  const found = new Map<string, Found>()
  const mappings = new Map<string, string>()

  function begin(index: number, at: MeasuredAt): Measuring | null {
    const { repository } = at
    const entry = repository.indices[index]
    if (entry === undefined) return null
    const known = ledger.measures(entry.name)
    const knownUuids = new Set(known.map(measure => measure.snapshotUuid))
    const held = Array.from(entry.snapshots, position => ({ position, ...endOf(position, at) })).filter(
      one => one.endedMs !== null && one.endedMs <= nowMs + toleratedSkewMs,
    )
    const dated = held.flatMap(({ endedMs, ...one }) => (endedMs === null ? [] : [{ ...one, endedMs }]))
    const kept = keptMeasures([...known, ...dated.filter(one => !knownUuids.has(one.snapshotUuid))])
    const wanted = dated.filter(one => kept.has(one.snapshotUuid) && !knownUuids.has(one.snapshotUuid))
    if (wanted.length === 0) return null
    const knownKeys = new Set(known.map(measure => measure.metadataKey))
    const keys = wanted.flatMap(({ position }) => keyOf(entry, repository.indexMetadataBlobId(position, index)) ?? [])
    return {
      index,
      wanted: new Set(wanted.map(one => one.position)),
      unknownKeys: new Set(keys.filter(key => !knownKeys.has(key))),
    }
  }

  function take(measuring: Measuring, record: IndexRecord, copies: readonly CheckedCopy[], at: MeasuredAt): void {
    const { repository } = at
    const known = new Map(ledger.measures(record.name).map(measure => [measure.metadataKey, measure]))
    for (const [i, copy] of copies.entries()) {
      const source = record.copies[i]
      const { snapshotUuid, endedMs } = endOf(copy.snapshot, at)
      if (!measuring.wanted.has(copy.snapshot) || source === undefined || !isMeasurable(copy) || endedMs === null)
        continue
      const isFollowed = hasFollower(record.name, copy.snapshot, repository)
      found.set(JSON.stringify([record.name, snapshotUuid]), {
        index: record.name,
        indexId: record.id,
        snapshot: repository.snapshots[copy.snapshot]?.name ?? '',
        snapshotUuid,
        endedMs,
        documents: sumOf(source, 'luceneDocs'),
        bytes: copy.bytes,
        sequence: sumOf(source, 'maxSeqNo'),
        contentId: copy.contentId,
        metadataKey: source.metadataKey,
        ...shapeOf(source, measuring, known.get(source.metadataKey), isFollowed),
      })
    }
  }

  function shapeOf(
    { metadata, metadataKey }: IndexCopy,
    { unknownKeys }: Measuring,
    known: Measure | undefined,
    isFollowed: boolean,
  ): Pick<Measure, 'fields' | 'mapping' | 'resting'> {
    const followed = isFollowed ? ('rolled-over' as const) : null
    if (metadata === null || metadataKey === null) return { fields: null, mapping: null, resting: followed }
    if (known !== undefined && !unknownKeys.has(metadataKey))
      return { fields: known.fields, mapping: known.mapping, resting: known.resting ?? followed }
    const entries = [...metadata.fields].sort(([a], [b]) => (a < b ? -1 : 1))
    // An own property whatever its name is.
    const text = `{${entries.map(([field, type]) => `${JSON.stringify(field)}:${JSON.stringify(type)}`).join(',')}}`
    const isLarge = Buffer.byteLength(text) > maxMappingBytes
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 32)
    if (!isLarge) mappings.set(digest, text)
    return { fields: entries.length, mapping: isLarge ? null : digest, resting: restingOf(metadata) ?? followed }
  }

  return {
    begin,
    take,
    rows() {
      const rows: (MeasureRow | MappingRow)[] = []
      const newest = new Map<string, number>()
      for (const { index, endedMs } of found.values())
        newest.set(index, Math.max(newest.get(index) ?? -Infinity, endedMs))
      for (const measure of found.values()) {
        const known = ledger.measures(measure.index)
        // What could not be measured in its own night is no history for that.
        const firstJudged = known.find(one => one.judged) ?? known.at(-1)
        const judged =
          firstJudged === undefined
            ? measure.endedMs === newest.get(measure.index)
            : measure.endedMs > firstJudged.endedMs
        rows.push({ kind: 'measure', runId, ...measure, judged, atMs: nowMs })
      }
      const known = ledger.mappings(mappings.keys())
      for (const [digest, fields] of mappings)
        if (!known.has(digest)) rows.push({ kind: 'mapping', digest, fields, atMs: nowMs })
      return rows
    },
  }
}

function endOf(position: number, { repository, infos }: MeasuredAt) {
  const { uuid = '', endedMs = null } = repository.snapshots[position] ?? {}
  return { snapshotUuid: uuid, endedMs: endedMs ?? (infos[position]?.endedMs || null) }
}

function keyOf({ id }: IndexEntry, blob: string | null): string | null {
  return blob === null ? null : `indices/${id}/meta-${blob}.dat`
}

function sumOf({ shards }: IndexCopy, what: 'luceneDocs' | 'maxSeqNo'): number | null {
  let sum = 0
  for (const { files } of shards) {
    const value = files?.[what] ?? null
    if (value === null) return null
    sum += value
  }
  return sum
}

/** A block that a full disk has set (`read_only_allow_delete`) is no reason to stand still. */
function restingOf({ state, settings, rolledOver }: IndexMetadata): Resting | null {
  if (state === 'close') return 'closed'
  if (['index.blocks.write', 'index.blocks.read_only'].some(block => settings.get(block) === 'true')) return 'read-only'
  return rolledOver || settings.get('index.lifecycle.indexing_complete') === 'true' ? 'rolled-over' : null
}

/** Dates and six-digit counters, by which one index of a series follows another. */
const seriesPart = /\d{4}([.-]?)\d{2}(?:\1\d{2})?|-\d{6}$/g

const seriesOf = new WeakMap<RepositoryData, ReadonlyMap<string, readonly IndexEntry[]>>()

/** Is a later index of the same series in the same snapshot? */
function hasFollower(name: string, snapshot: number, repository: RepositoryData): boolean {
  const series = seriesOf.get(repository) ?? allSeries(repository)
  seriesOf.set(repository, series)
  const members = series.get(name.replace(seriesPart, '#')) ?? []
  return members.some(entry => entry.name > name && entry.snapshots.includes(snapshot))
}

function allSeries({ indices }: RepositoryData): Map<string, IndexEntry[]> {
  const series = new Map<string, IndexEntry[]>()
  for (const entry of indices) {
    const stem = entry.name.replace(seriesPart, '#')
    if (stem === entry.name) continue
    const members = series.get(stem)
    if (members === undefined) series.set(stem, [entry])
    else members.push(entry)
  }
  return series
}
