/**
 * Lays the blobs that a group needs at their keys below a folder, which a server then reads as an `fs` repository.
 *
 * Only what was checked gets there: a blob is read once into a file beside the folder, and renamed when its item is good.
 * `index.latest` is written here, for the generation that was fetched: the source's own may be stale or switched off.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { BlobReader } from '../blobs/port.ts'
import { diskError, SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Fault } from '../model/content.ts'
import type { Clock } from '../time.ts'
import type { Reading } from './checks.ts'
import { concurrently } from './concurrently.ts'
import { freeBytes, requireRoom } from './disk.ts'
import { type Download, download } from './download.ts'
import { faultOf, tryTwice, unsafeKeyFault } from './fetch-item.ts'
import { readLocal } from './local.ts'
import { blobKind, generationOf, pathOf } from './names.ts'
import type { Mirror, MirrorItem, MirrorResult } from './port.ts'

export interface MirrorOptions {
  readonly source: BlobReader
  /** Made if it is not there; must be ours alone. `<folder>.incoming` is used too. */
  readonly folder: string
  /** Blobs at a time. */
  readonly concurrency: number
  /** Ends every fetch. */
  readonly signal: AbortSignal
  readonly log: Log
  readonly clock: Clock
  /** Bytes of the disk that are never used. */
  readonly freeBytesFloor: number
}

/** After so many `unavailable` in a row the store is taken to be down, and the rest is not asked for. */
const unavailableInARow = 5

/** `fetch` throws `disk-full`, `no-such-bucket` and the signal's reason; what is wrong with single blobs is in its result. */
export function openMirror(options: MirrorOptions): Mirror {
  const { source, log, clock, concurrency, freeBytesFloor } = options
  const folder = resolve(options.folder)
  const incoming = { folder: `${folder}.incoming`, freeBytesFloor }
  /** What lies in the folder, by key. */
  const local = new Map<string, Reading & { readonly path: string }>()
  /** Keys in work, so that two items that share a blob read it once. */
  const busy = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let generation: number | null = null

  async function fetch(items: readonly MirrorItem[], callerSignal: AbortSignal): Promise<MirrorResult> {
    const signal = AbortSignal.any([callerSignal, options.signal, closing.signal])
    const startedMs = clock.monotonicMs()
    const counts = { bytes: 0, requests: 0 }
    const faults: { item: MirrorItem; fault: Fault }[] = []
    const denied: { item: MirrorItem; fault: Fault }[] = []
    let unavailable = 0
    let latestWanted = false

    signal.throwIfAborted()
    await mkdir(folder, { recursive: true, mode: 0o750 })
    await mkdir(incoming.folder, { recursive: true, mode: 0o750 })
    const neededBytes = missingBytes(items)
    await requireRoom(folder, neededBytes, freeBytesFloor)

    const read = (key: string, bytes: number | null, s: AbortSignal): Promise<Download> => {
      counts.requests++
      const onBytes = (n: number) => {
        counts.bytes += n
        // Lengths of metadata blobs are not known before.
        log.progress('mirror', counts.bytes, counts.bytes > neededBytes ? null : neededBytes, 'bytes')
      }
      return download(source, key, bytes, incoming, onBytes, s)
    }

    await concurrently(items, concurrency, signal, async (item, s) => {
      const unsafe = item.parts.find(part => blobKind(pathOf(part)) === null)
      if (unsafe !== undefined || item.parts.length === 0) {
        faults.push({ item, fault: unsafeKeyFault(item, unsafe?.key ?? '') })
        return
      }
      if (item.parts.length === 1 && item.parts[0]?.key === 'index.latest') {
        latestWanted = true
        return
      }
      const key = item.parts[0]?.key ?? ''
      if (unavailable >= unavailableInARow) {
        const message = 'not asked for: the store did not answer for the blobs before it'
        faults.push({ item, fault: faultOf(item, { key, what: 'not-asked', message }) })
        return
      }
      await holding(item, s, async () => {
        const attempt = await tryTwice(item, {
          have: name => local.get(name) ?? null,
          read: part => read(part.key, part.bytes, s),
          discard,
        })
        if (attempt.problem === null) {
          unavailable = 0
          if (attempt.repeated) log.warn('A blob was bad when first read, and good the second time', { key })
          await keep(item, attempt.downloads)
          return
        }
        await discard(attempt.downloads)
        unavailable = attempt.problem.what === 'unavailable' ? unavailable + 1 : 0
        const list = attempt.problem.what === 'access-denied' ? denied : faults
        list.push({ item, fault: faultOf(item, attempt.problem) })
      })
    })

    faults.push(...(await judgeDenied(denied, counts, signal)))
    if (latestWanted && generation === null) {
      throw new SnapproofError('internal', 'index.latest was asked of a mirror that holds no index-N')
    }
    return { ...counts, seconds: (clock.monotonicMs() - startedMs) / 1000, faults }
  }

  /** Runs `work` while no other item with one of the same keys is in work. */
  async function holding(item: MirrorItem, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const keys = item.parts.map(part => part.key)
    for (;;) {
      const others = keys.map(key => busy.get(key)).filter(other => other !== undefined)
      if (others.length === 0) break
      await Promise.all(others)
      signal.throwIfAborted()
    }
    const { promise, resolve: release } = deferred()
    for (const key of keys) busy.set(key, promise)
    try {
      await work()
    } finally {
      for (const key of keys) busy.delete(key)
      release()
    }
  }

  /** Moves what was read to its place. */
  async function keep(item: MirrorItem, downloads: readonly Download[]): Promise<void> {
    for (const [i, part] of item.parts.entries()) {
      const got = downloads[i]
      if (got === undefined || got.file === null) continue
      const path = join(folder, pathOf(part))
      await mkdir(dirname(path), { recursive: true, mode: 0o750 })
      await rename(got.file, path)
      local.set(part.key, { ...got.reading, path: pathOf(part) })
      const fetched = generationOf(part.key)
      if (fetched !== null) await pin(fetched)
    }
  }

  /** One generation at a time: a server takes the highest that it finds, and `index.latest` names it. */
  async function pin(next: number): Promise<void> {
    const previous = generation
    generation = next
    const latest = Buffer.alloc(8)
    latest.writeBigInt64BE(BigInt(next))
    await writeFile(join(folder, 'index.latest'), latest)
    if (previous !== null && previous !== next) await remove(`index-${previous}`)
  }

  async function discard(downloads: readonly Download[]): Promise<void> {
    for (const got of downloads) if (got.file !== null) await rm(got.file, { force: true })
  }

  async function remove(key: string): Promise<void> {
    const path = local.get(key)?.path ?? key
    local.delete(key)
    await rm(join(folder, path), { force: true })
  }

  /** A refusal accuses a blob only if we may still read another one; else our own credentials are to blame. */
  async function judgeDenied(
    denied: readonly { item: MirrorItem; fault: Fault }[],
    counts: { requests: number },
    signal: AbortSignal,
  ): Promise<{ item: MirrorItem; fault: Fault }[]> {
    if (denied.length === 0) return []
    const readable = [...local.keys()].find(key => key !== 'index.latest')
    let allowed = false
    if (readable !== undefined) {
      counts.requests++
      const again = await source.get(readable, { length: 1, signal }).catch(() => null)
      if (again !== null) {
        allowed = true
        await again.body[Symbol.asyncIterator]().return?.()
      }
    }
    signal.throwIfAborted()
    return denied.map(({ item, fault }) => ({ item, fault: allowed ? fault : { ...fault, ours: 'store-unavailable' } }))
  }

  /** Bytes still to fetch, each blob once, where the length is known. */
  function missingBytes(items: readonly MirrorItem[]): number {
    const missing = new Map<string, number>()
    for (const item of items) {
      for (const part of item.parts) if (!local.has(part.key)) missing.set(part.key, part.bytes ?? 0)
    }
    let sum = 0
    for (const bytes of missing.values()) sum += bytes
    return sum
  }

  async function verify(items: readonly MirrorItem[], callerSignal: AbortSignal): Promise<MirrorItem[]> {
    const signal = AbortSignal.any([callerSignal, options.signal, closing.signal])
    const bad: MirrorItem[] = []
    await concurrently(items, concurrency, signal, async (item, s) => {
      for (const part of item.parts) {
        if (part.key === 'index.latest') continue
        const expected = blobKind(pathOf(part)) === null ? undefined : local.get(part.key)
        const reading = expected === undefined ? null : await readLocal(join(folder, pathOf(part)), s)
        if (reading === null || reading.bytes !== expected?.bytes || reading.crc32 !== expected.crc32) {
          if (expected !== undefined) await remove(part.key)
          if (!bad.includes(item)) bad.push(item)
        }
      }
    })
    return bad
  }

  async function drop(items: readonly MirrorItem[]): Promise<void> {
    for (const item of items) {
      for (const part of item.parts) if (local.has(part.key)) await remove(part.key)
    }
  }

  async function close(): Promise<void> {
    closing.abort(new SnapproofError('interrupted', 'the mirror was closed'))
    await Promise.all(busy.values())
    local.clear()
    for (const path of [folder, incoming.folder]) {
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  /** Errors of our own disk that nothing below has named. */
  const onDisk =
    <Given extends unknown[], Result>(doing: string, work: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      try {
        return await work(...given)
      } catch (error) {
        throw diskError(error, doing, folder)
      }
    }
  return {
    folder,
    fetch: onDisk('fetch into', fetch),
    verify: onDisk('read again', verify),
    freeBytes: onDisk('look at', async () => {
      await mkdir(folder, { recursive: true, mode: 0o750 })
      return freeBytes(folder, freeBytesFloor)
    }),
    drop: onDisk('remove from', drop),
    close: onDisk('remove', close),
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
