/**
 * Nights over a store in memory: what lies there changes as a store shows it (another ETag, another time) or as it does not (bit rot),
 * every request is counted, and a check runs with and without what earlier nights remember.
 */
import type { BlobReader, RequestCounts } from '../../src/blobs/port.ts'
import type { CheckMemory } from '../../src/check/memory.ts'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { type CheckLevel, type CheckReport, type CheckReportOptions, checkReport } from '../../src/run/checkReport.ts'
import { fakeClock } from '../support/fakes.ts'
import type { Files } from '../support/memoryReader.ts'

export const dayMs = 86_400_000
export const firstNightMs = Date.UTC(2026, 10, 23, 2)

interface Stored {
  bytes: Buffer
  etag: string | null
  modifiedMs: number
  storageClass: string
}

/** Called before each GET and read of a blob: throw, change the store, or answer another ETag. */
export type OnRead = (key: string, store: VersionedStore) => { readonly etag: string | null } | undefined

export class VersionedStore {
  readonly blobs = new Map<string, Stored>()
  nowMs = firstNightMs - 30 * dayMs
  /** Keys that a body was asked of, in order. */
  readonly gets: string[] = []
  readonly counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
  /** After so many keys a page of the listing ends. */
  pageKeys = 1000
  onRead: OnRead = () => undefined
  onList: (key: string) => void = () => {}
  readonly basePath: string | null
  #version = 0

  constructor(files: Files, basePath: string | null = null) {
    this.basePath = basePath
    for (const [key, bytes] of files) this.put(key, bytes)
  }

  put(key: string, bytes: Buffer, change: Partial<Stored> = {}): void {
    const etag = `"v${++this.#version}"`
    this.blobs.set(key, { bytes, etag, modifiedMs: this.nowMs, storageClass: 'STANDARD', ...change })
  }

  /** The bytes become others, and nothing that the store shows does. */
  rot(key: string, bytes: Buffer): void {
    const blob = this.blobs.get(key)
    if (blob !== undefined) blob.bytes = bytes
  }

  /** As a lifecycle rule does: only the class becomes another. */
  archive(key: string): void {
    this.#need(key).storageClass = 'GLACIER'
  }

  bytesOf(key: string): Buffer {
    return this.#need(key).bytes
  }

  keys(): string[] {
    return [...this.blobs.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  forgetRequests(): void {
    this.gets.length = 0
    Object.assign(this.counts, { list: 0, get: 0, head: 0, bytesRead: 0 })
  }

  #need(key: string): Stored {
    const blob = this.blobs.get(key)
    if (blob === undefined) throw new SnapproofError('not-found', `${key} is not there`)
    return blob
  }

  #listed(key: string): ListedBlob {
    const { bytes, etag, modifiedMs, storageClass } = this.#need(key)
    return { key, bytes: bytes.length, etag, modifiedMs, storageClass }
  }

  #open(key: string): { bytes: Buffer; etag: string | null } {
    this.gets.push(key)
    this.counts.get++
    const answer = this.onRead(key, this)
    const { bytes, etag, storageClass } = this.#need(key)
    if (storageClass === 'GLACIER') throw new SnapproofError('archived', `${key} is archived`)
    this.counts.bytesRead += bytes.length
    return { bytes, etag: answer === undefined ? etag : answer.etag }
  }

  reader(): BlobReader {
    const store = this
    return {
      url: 'memory:///nights',
      basePath: this.basePath,
      async *list(prefix, { startAfter = '', depth = 'all', signal } = {}) {
        const after = Buffer.from(startAfter)
        let listed = 0
        for (const key of store.keys()) {
          if (!key.startsWith(prefix) || Buffer.compare(Buffer.from(key), after) <= 0) continue
          if (depth === 'root' && key.slice(prefix.length).includes('/')) continue
          signal?.throwIfAborted()
          if (listed++ % store.pageKeys === 0) store.counts.list++
          store.onList(key)
          if (store.blobs.has(key)) yield store.#listed(key)
        }
        if (listed === 0) store.counts.list++
      },
      async head(key, { signal } = {}) {
        signal?.throwIfAborted()
        store.counts.head++
        return store.blobs.has(key) ? store.#listed(key) : null
      },
      async get(key, { start = 0, length, signal } = {}) {
        signal?.throwIfAborted()
        const { bytes, etag } = store.#open(key)
        const part = bytes.subarray(start, length === undefined ? undefined : start + length)
        async function* body() {
          signal?.throwIfAborted()
          yield part
        }
        return { bytes: part.length, etag, modifiedMs: null, body: body() }
      },
      async read(key, { maxBytes, signal }) {
        signal?.throwIfAborted()
        const { bytes, etag } = store.#open(key)
        if (bytes.length > maxBytes) throw new SnapproofError('too-large', key)
        return { bytes: Buffer.from(bytes), etag }
      },
    }
  }
}

/** What is remembered, in a map. */
export class MapMemory implements CheckMemory {
  readonly rows = new Map<string, Buffer>()
  readonly renewAfterMs: number
  /** How often rows were handed over. */
  keeps = 0

  constructor(renewAfterDays = 90) {
    this.renewAfterMs = renewAfterDays * dayMs
  }
  recall(subject: string): Buffer | null {
    return this.rows.get(subject) ?? null
  }
  #frozen = false

  /** From now on nothing arrives any more. */
  freeze(): void {
    this.#frozen = true
  }
  thaw(): void {
    this.#frozen = false
  }
  async keep(rows: readonly { readonly subject: string; readonly data: Buffer }[]): Promise<void> {
    if (this.#frozen) return
    this.keeps++
    for (const { subject, data } of rows) {
      if (data.length === 0) this.rows.delete(subject)
      else this.rows.set(subject, data)
    }
  }
  subjects(): Iterable<string> {
    return [...this.rows.keys()]
  }
}

export interface Night {
  readonly report: CheckReport
  readonly exitCode: number
  /** Keys of bodies that were asked for. */
  readonly gets: readonly string[]
  readonly counts: RequestCounts
}

export async function night(
  store: VersionedStore,
  level: CheckLevel,
  nowMs: number,
  memory: CheckMemory | null,
  rest: Partial<CheckReportOptions> = {},
): Promise<Night> {
  store.forgetRequests()
  const { report, exitCode } = await checkReport({
    level,
    maxBytes: null,
    maxSeconds: null,
    memory,
    blobs: store.reader(),
    counts: store.counts,
    requests: 4,
    maxMetadataBytes: 1 << 28,
    clock: fakeClock(nowMs),
    log: silentLog,
    signal: new AbortController().signal,
    ...rest,
  })
  return { report, exitCode, gets: [...store.gets], counts: { ...store.counts } }
}

/** Without what may differ between a look and a memory of one: which of the two, when, by which method. */
export function judgement({ report, exitCode }: Night): unknown {
  return {
    exitCode,
    generation: report.generation,
    verdicts: report.verdicts.map(({ snapshot, uuid, level, verdict, reason }) => [
      snapshot,
      uuid,
      level,
      verdict,
      reason === 'remembered' ? 'proven' : reason,
    ]),
    findings: report.findings,
    lastGood: report.lastGood.map(({ method: _, ...rest }) => rest),
  }
}
