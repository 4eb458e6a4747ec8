/**
 * A store in which one blob is damaged: listing, lengths, ranges and errors are those that a real store would give, and
 * nothing is ever written. The blobs may be of any length: they are changed while they stream.
 */
import type { BlobBody, BlobReader, GetOptions } from '../../blobs/port.ts'
import { SnapproofError } from '../../errors.ts'
import type { ListedBlob } from '../../model/blob.ts'
import type { Change, Damage } from './kinds.ts'

/** Marks the ETag of a blob whose bytes changed, as an overwritten object has another one. */
const etagMark = '-damaged'

export function damagedReader(blobs: BlobReader, { key: damaged, change }: Pick<Damage, 'key' | 'change'>): BlobReader {
  const refusal = refusalOf(damaged, change, blobs.url)

  async function describe(blob: ListedBlob, signal: AbortSignal | undefined): Promise<ListedBlob | null> {
    if (change.type === 'missing') return null
    if (change.type === 'deny') return blob
    if (change.type === 'archive') return { ...blob, storageClass: change.storageClass }
    const etag = blob.etag === null ? null : `${blob.etag}${etagMark}`
    return { ...blob, etag, bytes: await lengthAfter(blob.bytes, signal) }
  }

  async function lengthAfter(bytes: number, signal: AbortSignal | undefined): Promise<number> {
    if (change.type === 'truncate') return Math.min(bytes, change.bytes)
    if (change.type === 'append') return bytes + change.tail.length
    if (change.type === 'replace') return change.bytes.length
    if (change.type !== 'swap') return bytes
    const other = await blobs.head(change.key, signal === undefined ? {} : { signal })
    return other?.bytes ?? 0
  }

  async function get(key: string, options: GetOptions = {}): Promise<BlobBody> {
    if (key !== damaged) return await blobs.get(key, options)
    if (refusal !== null) throw refusal()
    const { start = 0, length, ifMatch, signal } = options
    const passed = {
      ...(signal === undefined ? {} : { signal }),
      ...(ifMatch?.endsWith(etagMark) ? { ifMatch: ifMatch.slice(0, -etagMark.length) } : {}),
    }
    const source = change.type === 'swap' ? change.key : damaged
    // ETags of the swapped-in blob are its own; what was asked for is the one that the listing made up.
    const whole = await blobs.get(source, change.type === 'swap' ? { ...(signal ? { signal } : {}) } : passed)
    const total = await lengthAfter(whole.bytes, signal)
    const end = length === undefined ? total : Math.min(total, start + length)
    const etag = whole.etag === null ? null : `${whole.etag}${etagMark}`
    const body = slice(changed(whole.body, change), start, Math.max(start, end))
    return { bytes: Math.max(0, end - start), etag, modifiedMs: whole.modifiedMs, body }
  }

  return {
    ...blobs,
    async *list(prefix, options = {}) {
      for await (const blob of blobs.list(prefix, options)) {
        const seen = blob.key === damaged ? await describe(blob, options.signal) : blob
        if (seen !== null) yield seen
      }
    },
    head: async (key, options) => {
      const blob = await blobs.head(key, options)
      return blob === null || key !== damaged ? blob : await describe(blob, options?.signal)
    },
    get,
    read: async (key, options) => {
      if (key !== damaged) return await blobs.read(key, options)
      const { body, bytes, etag } = await get(key, options.signal === undefined ? {} : { signal: options.signal })
      if (bytes > options.maxBytes)
        throw new SnapproofError('too-large', `${blobs.url}/${key} is longer than ${options.maxBytes} bytes`)
      const chunks: Buffer[] = []
      for await (const chunk of body) chunks.push(chunk)
      return { bytes: Buffer.concat(chunks), etag }
    },
  }
}

function refusalOf(key: string, change: Change, url: string): (() => SnapproofError) | null {
  const what = `${url}/${key}`
  if (change.type === 'missing') return () => new SnapproofError('not-found', `${what} is not there`)
  if (change.type === 'archive') return () => new SnapproofError('archived', `${what} is in ${change.storageClass}`)
  if (change.type === 'deny') return () => new SnapproofError('access-denied', `${what}: access denied`)
  return null
}

async function* changed(body: AsyncIterable<Buffer>, change: Change): AsyncGenerator<Buffer> {
  if (change.type === 'replace') {
    yield change.bytes
    return
  }
  let at = 0
  for await (const chunk of body) {
    if (change.type === 'truncate') {
      if (at + chunk.length >= change.bytes) {
        yield chunk.subarray(0, change.bytes - at)
        return
      }
      yield chunk
    } else if (change.type === 'flip' && change.at >= at && change.at < at + chunk.length) {
      const copy = Buffer.from(chunk)
      copy.writeUInt8(copy.readUInt8(change.at - at) ^ change.mask, change.at - at)
      yield copy
    } else yield chunk
    at += chunk.length
  }
  if (change.type === 'append') yield change.tail
}

async function* slice(body: AsyncIterable<Buffer>, start: number, end: number): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of body) {
    if (at >= end) return
    const part = chunk.subarray(Math.max(0, start - at), end - at)
    at += chunk.length
    if (part.length > 0) yield part
  }
}
