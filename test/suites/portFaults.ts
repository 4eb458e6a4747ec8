/** Wrappers around the ports of an audit that fail the call that a `FaultPoint` says. */
import type { BlobBody, BlobReader, BlobWriter } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { RunDependencies } from '../../src/run/dependencies.ts'
import type { FaultPoint } from './faultPoint.ts'

/** By kind of fault: what the port answers. The drivers have tried again by then. */
const codes = { refused: 'unavailable', denied: 'access-denied', missing: 'not-found', full: 'disk-full' } as const

function trouble(kind: string): SnapproofError {
  return new SnapproofError(codes[kind as keyof typeof codes] ?? 'unavailable', `injected: ${kind}`)
}

/** Of bodies: what comes instead of the bytes. Others fail the call itself. */
const bodyKinds = ['cut', 'truncated', 'longer', 'flipped'] as const

async function* bent(kind: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  const bytes = Buffer.concat(all)
  if (kind === 'cut' || kind === 'truncated') {
    yield bytes.subarray(0, bytes.length >> 1)
    if (kind === 'cut') throw trouble('cut')
  } else yield bend(kind, bytes)
}

function bend(kind: string, whole: Buffer): Buffer {
  const bytes = Buffer.from(whole)
  if (kind === 'truncated') return bytes.subarray(0, bytes.length >> 1)
  if (kind === 'longer') return Buffer.concat([bytes, Buffer.from('more')])
  // Another bit than the planted damage has: a fault must not mend it.
  if (bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 0x01, bytes.length >> 1)
  return bytes
}

export function faultyReader(inner: BlobReader, point: FaultPoint, port: string): BlobReader {
  const { kind } = point.fault
  const bends = point.is(port, ...bodyKinds)
  const hits = (what: string) => point.hits(port, what)
  return {
    url: inner.url,
    basePath: inner.basePath,
    async *list(prefix, options) {
      const hit = (!bends || kind === 'cut') && hits(`list ${prefix}`)
      // A listing that ends early or is refused; one that is refused yields nothing.
      if (hit && kind !== 'cut') throw trouble(kind)
      for await (const blob of inner.list(prefix, options)) {
        yield blob
        if (hit) throw trouble(kind)
      }
    },
    async head(key, options) {
      if (!bends && hits(`head ${key}`)) {
        if (kind === 'missing') return null
        throw trouble(kind)
      }
      return inner.head(key, options)
    },
    async get(key, options): Promise<BlobBody> {
      const hit = hits(`get ${key}`)
      if (hit && !bends) throw trouble(kind)
      const got = await inner.get(key, options)
      return hit ? { ...got, body: bent(kind, got.body) } : got
    },
    async read(key, options) {
      const hit = hits(`read ${key}`)
      if (hit && (!bends || kind === 'cut')) throw trouble(kind)
      const got = await inner.read(key, options)
      return hit ? { ...got, bytes: bend(kind, got.bytes) } : got
    },
  }
}

/** `lost`: it was written and the answer never came. `conflict`: a conditional write is refused though nobody else wrote. */
export function faultyWriter(inner: BlobWriter, point: FaultPoint, port: string): BlobWriter {
  const { kind } = point.fault
  const bends = point.is(port, ...bodyKinds)
  const hits = (what: string) => !bends && point.hits(port, what)
  async function write<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (kind === 'conflict' || kind === 'missing' || !hits(what)) return work()
    if (kind === 'lost') await work()
    throw trouble(kind)
  }
  const conditional = async (what: string, work: () => ReturnType<BlobWriter['putIfAbsent']>) =>
    kind === 'conflict' && hits(what) ? ({ written: false } as const) : write(what, work)
  const reader = kind === 'conflict' || kind === 'lost' || kind === 'full' ? inner : faultyReader(inner, point, port)
  return {
    url: reader.url,
    basePath: reader.basePath,
    list: (prefix, options) => reader.list(prefix, options),
    head: (key, options) => reader.head(key, options),
    get: (key, options) => reader.get(key, options),
    read: (key, options) => reader.read(key, options),
    put: (key, bytes, options) => write(`put ${key}`, () => inner.put(key, bytes, options)),
    putIfAbsent: (key, bytes, options) =>
      conditional(`put ${key} if absent`, () => inner.putIfAbsent(key, bytes, options)),
    putIfMatch: (key, bytes, etag, options) =>
      conditional(`put ${key} if the same`, () => inner.putIfMatch(key, bytes, etag, options)),
    delete: (key, options) => write(`delete ${key}`, () => inner.delete(key, options)),
    close: () => inner.close(),
  }
}

export function faultyOutput(inner: RunDependencies['output'], point: FaultPoint): RunDependencies['output'] {
  return {
    folder: inner.folder,
    write: (name, text) => inner.write(name, text),
    written: () => inner.written(),
    async upload(signal) {
      if (point.hits('output', 'upload')) throw trouble(point.fault.kind)
      await inner.upload(signal)
    },
  }
}

export function faultyMetrics(
  put: NonNullable<RunDependencies['putMetrics']>,
  point: FaultPoint,
): NonNullable<RunDependencies['putMetrics']> {
  return async run => {
    if (point.hits('metrics', 'put')) throw new SnapproofError('metrics-not-put', 'injected: CloudWatch took nothing')
    await put(run)
  }
}
