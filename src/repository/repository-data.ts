/**
 * `index-N`, the root of the repository: streamed JSON → the compact `RepositoryData`.
 *
 * All generations of the format are read by their fields and not by `min_version`, which OpenSearch drops. There is no
 * checksum: what can be checked is the form and that references meet.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/repositories/{RepositoryData,
 * IndexMetaDataGenerations, ShardGenerations}.java @ 9.5.3; opensearch-project/OpenSearch: …/RepositoryData.java @ 3.3.0
 */
import type { RepositoryData, SnapshotEntry, SnapshotState } from '../model/repository.ts'
import { DecodeError } from './decode-error.ts'
import { JsonEvents, type JsonScalar, type JsonSink } from './json-events.ts'
import { isIndexName, isSafeSegment, isSnapshotName } from './names.ts'
import { type DraftIndex, linkRepositoryData, type RepositoryDraft, type StructuralFault } from './repository-links.ts'

export interface DecodedRepositoryData {
  readonly data: RepositoryData
  /** The identifier that names an index metadata blob; null in the layout before 7.9. */
  indexMetadataIdentifier(snapshot: number, index: number): string | null
  readonly faults: readonly StructuralFault[]
  /** Root keys that no version we know writes; Elasticsearch refuses them, we only say so. */
  readonly unknownKeys: readonly string[]
}

const knownFormats = new Set(['7.6.0', '7.9.0', '7.12.0'])
const states: readonly SnapshotState[] = ['IN_PROGRESS', 'SUCCESS', 'FAILED', 'PARTIAL', 'INCOMPATIBLE']

/** Decodes all chunks. Throws `DecodeError`; `unknown-layout` for a format newer than we know. */
export async function decodeRepositoryData(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  generation: number,
): Promise<DecodedRepositoryData> {
  const reader = new RepositoryDataReader()
  const events = new JsonEvents(reader)
  for await (const chunk of chunks) events.write(chunk)
  events.end()
  return linkRepositoryData(reader.finish(), generation)
}

/** Where in the document we are; `skip` is anything that is not needed. */
type Place =
  | 'root'
  | 'snapshots'
  | 'snapshot'
  | 'lookup'
  | 'indices'
  | 'index'
  | 'index-snapshots'
  | 'old-snapshot-reference'
  | 'generations'
  | 'identifiers'
  | 'skip'

/** What opens inside what: `place key` (or `place *`) → the kind it must have and the place behind it. */
const openings: Readonly<Record<string, readonly ['object' | 'array', Place]>> = {
  'root snapshots': ['array', 'snapshots'],
  'root indices': ['object', 'indices'],
  'root index_metadata_identifiers': ['object', 'identifiers'],
  'snapshots *': ['object', 'snapshot'],
  'snapshot index_metadata_lookup': ['object', 'lookup'],
  'indices *': ['object', 'index'],
  'index snapshots': ['array', 'index-snapshots'],
  'index shard_generations': ['array', 'generations'],
  'index-snapshots *': ['object', 'old-snapshot-reference'],
}
const anyKey: ReadonlySet<Place> = new Set(['snapshots', 'indices', 'index-snapshots'])
const rootScalars = new Set(['min_version', 'uuid', 'cluster_id'])

class RepositoryDataReader implements JsonSink {
  private readonly places: Place[] = []
  /** The innermost; undefined before the root and behind it. */
  private place: Place | undefined
  private readonly draft: RepositoryDraft = {
    format: null,
    uuid: null,
    clusterId: null,
    snapshots: [],
    indices: [],
    identifiers: new Map(),
    unknownKeys: [],
    uuids: new Map(),
    names: new Map(),
  }
  private readonly seen = new Set<string>()
  private readonly indexNames = new Set<string>()
  private snapshot: { -readonly [K in keyof SnapshotEntry]: SnapshotEntry[K] } = emptySnapshot()
  private index: DraftIndex = emptyIndex('')
  /** Of the snapshot at hand its lookup, of the index at hand its snapshots. */
  private numbers: number[] = []
  /** Keys met in the snapshot or index at hand. */
  private readonly fields = new Set<string>()
  /** By number of `names`: the snapshot (counted from 1) whose lookup had it last as an index id. */
  private readonly lookedUp: number[] = []

  open(kind: 'object' | 'array', key: string | null, offset: number): void {
    const { place } = this
    if (place === undefined) {
      if (kind !== 'object') throw new DecodeError('bad-value', offset, 'the root is not an object')
      this.enter('root')
      return
    }
    if (place === 'root') this.rootKey(key ?? '', offset)
    else if (place === 'snapshot' || place === 'index') this.once(key ?? '', offset)
    const opening = openings[`${place} ${anyKey.has(place) ? '*' : key}`]
    if (opening === undefined) {
      if (place !== 'root' && place !== 'snapshot' && place !== 'index' && place !== 'skip')
        throw new DecodeError('bad-value', offset, `an ${kind} in ${place}`)
      this.enter('skip')
      return
    }
    if (opening[0] !== kind) throw new DecodeError('bad-value', offset, `${key ?? place} is an ${kind}`)
    const inside = opening[1]
    if (inside === 'snapshot') {
      this.snapshot = emptySnapshot()
      this.numbers = []
    } else if (inside === 'index') {
      this.openIndex(key ?? '', offset)
      this.numbers = []
    }
    if (inside === 'snapshot' || inside === 'index') this.fields.clear()
    this.enter(inside)
  }

  close(): void {
    const place = this.places.pop()
    this.place = this.places.at(-1)
    if (place === 'snapshot') this.draft.snapshots.push({ entry: this.snapshot, lookup: Int32Array.from(this.numbers) })
    else if (place === 'index') this.draft.indices.push({ ...this.index, snapshots: Int32Array.from(this.numbers) })
  }

  private enter(place: Place): void {
    this.places.push(place)
    this.place = place
  }

  scalar(value: JsonScalar, key: string | null, offset: number): void {
    switch (this.place) {
      case undefined:
        throw new DecodeError('bad-value', offset, 'the root is not an object')
      case 'root':
        this.rootKey(key ?? '', offset)
        this.rootScalar(key ?? '', value, offset)
        return
      case 'snapshot':
        this.snapshotField(key ?? '', value, offset)
        return
      case 'lookup':
        this.lookUp(key ?? '', this.text(value, offset), offset)
        return
      case 'index':
        this.once(key ?? '', offset)
        if (key === 'id') this.index.id = this.segment(value, offset)
        else if (key === 'shard_path_type' && typeof value === 'number') this.index.shardPathType = value
        return
      case 'index-snapshots':
        this.numbers.push(this.intern(this.draft.uuids, this.text(value, offset)))
        return
      case 'old-snapshot-reference':
        if (key === 'uuid') this.numbers.push(this.intern(this.draft.uuids, this.text(value, offset)))
        return
      case 'generations':
        this.index.shardGenerations.push(value === null ? null : shardGeneration(this.text(value, offset)))
        return
      case 'identifiers':
        this.identifier(key ?? '', this.segment(value, offset), offset)
        return
      case 'skip':
        return
      default:
        throw new DecodeError('bad-value', offset, `${JSON.stringify(value)} in ${this.place}`)
    }
  }

  finish(): RepositoryDraft {
    if (!this.seen.has('snapshots') || !this.seen.has('indices'))
      throw new DecodeError('bad-value', 0, `it lacks ${this.seen.has('snapshots') ? 'indices' : 'snapshots'}`)
    return this.draft
  }

  private rootKey(key: string, offset: number): void {
    if (this.seen.has(key)) throw twice(key, offset)
    this.seen.add(key)
    if (!rootScalars.has(key) && openings[`root ${key}`] === undefined) this.draft.unknownKeys.push(key)
  }

  private rootScalar(key: string, value: JsonScalar, offset: number): void {
    if (openings[`root ${key}`] !== undefined) throw new DecodeError('bad-value', offset, `${key} is ${value}`)
    if (!rootScalars.has(key)) return
    const text = this.text(value, offset)
    if (key === 'uuid') this.draft.uuid = text
    else if (key === 'cluster_id') this.draft.clusterId = text
    else if (!knownFormats.has(text))
      throw new DecodeError('unknown-layout', offset, `format ${JSON.stringify(text)} is not known to this version`)
    else this.draft.format = text
  }

  /** As the server's parser, which refuses a key that comes twice in one object. */
  private once(key: string, offset: number): void {
    if (this.fields.has(key)) throw twice(key, offset)
    this.fields.add(key)
  }

  private lookUp(indexId: string, identifier: string, offset: number): void {
    const number = this.intern(this.draft.names, indexId)
    const snapshot = this.draft.snapshots.length + 1
    if (this.lookedUp[number] === snapshot) throw twice(indexId, offset)
    this.lookedUp[number] = snapshot
    this.numbers.push(number, this.intern(this.draft.names, identifier))
  }

  private identifier(key: string, blobId: string, offset: number): void {
    const number = this.intern(this.draft.names, key)
    if (this.draft.identifiers.has(number)) throw twice(key, offset)
    this.draft.identifiers.set(number, blobId)
  }

  private snapshotField(key: string, value: JsonScalar, offset: number): void {
    this.once(key, offset)
    const snapshot = this.snapshot
    switch (key) {
      case 'name':
        snapshot.name = this.snapshotName(value, offset)
        return
      case 'uuid':
        snapshot.uuid = this.segment(value, offset)
        return
      case 'state': {
        const state = states[this.number(value, offset)]
        if (state === undefined) throw new DecodeError('bad-value', offset, `${value} is no state of a snapshot`)
        snapshot.state = state
        return
      }
      case 'version':
        snapshot.version = String(value)
        return
      case 'index_version':
        snapshot.indexVersion = this.number(value, offset)
        return
      case 'start_time_millis':
        snapshot.startedMs = this.number(value, offset)
        return
      case 'end_time_millis':
        snapshot.endedMs = this.number(value, offset)
        return
      case 'slm_policy':
        snapshot.slmPolicy = this.text(value, offset)
    }
  }

  private openIndex(name: string, offset: number): void {
    if (!isIndexName(name)) throw new DecodeError('bad-value', offset, `${JSON.stringify(name)} is no index name`)
    if (this.indexNames.has(name)) throw new DecodeError('bad-value', offset, `index ${name} is there twice`)
    this.indexNames.add(name)
    this.index = emptyIndex(name)
  }

  private text(value: JsonScalar, offset: number): string {
    if (typeof value !== 'string') throw new DecodeError('bad-value', offset, `${value} where text is expected`)
    return value
  }

  private snapshotName(value: JsonScalar, offset: number): string {
    const text = this.text(value, offset)
    if (!isSnapshotName(text))
      throw new DecodeError('bad-value', offset, `${JSON.stringify(text.slice(0, 100))} is no snapshot name`)
    return text
  }

  private segment(value: JsonScalar, offset: number): string {
    const text = this.text(value, offset)
    if (!isSafeSegment(text))
      throw new DecodeError('bad-value', offset, `${JSON.stringify(text)} cannot be part of a key`)
    return text
  }

  private number(value: JsonScalar, offset: number): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new DecodeError('bad-value', offset, `${JSON.stringify(value)} where a whole number is expected`)
    return value
  }

  private intern(table: Map<string, number>, text: string): number {
    let number = table.get(text)
    if (number === undefined) {
      number = table.size
      table.set(text, number)
    }
    return number
  }
}

function twice(key: string, offset: number): DecodeError {
  return new DecodeError('bad-value', offset, `${JSON.stringify(key.slice(0, 100))} is there twice`)
}

/** In-memory markers and the digits that some 7.x wrote by mistake count as "not known", as the server reads them. */
function shardGeneration(text: string): string | null {
  return /^\d+$/.test(text) || text === '_new' || text === '_deleted' ? null : text
}

function emptySnapshot(): SnapshotEntry {
  return {
    name: '',
    uuid: '',
    state: null,
    version: null,
    indexVersion: null,
    startedMs: null,
    endedMs: null,
    slmPolicy: null,
  }
}

function emptyIndex(name: string): DraftIndex {
  return { name, id: '', snapshots: new Int32Array(), shardGenerations: [], shardPathType: 0 }
}
