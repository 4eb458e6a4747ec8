/**
 * Every metadata blob of the fixtures, changed: as it lies in the bucket (the CRC tells), and with a CRC that fits again,
 * so that the decoders behind it meet nonsense.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openEnvelope } from '../../src/repository/codec-footer.ts'
import { countCommit } from '../../src/repository/commit-counts.ts'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeMetadataBlob, inflate, isDeflated } from '../../src/repository/framing.ts'
import { decodeIndexLatest } from '../../src/repository/index-latest.ts'
import { decodeIndexMetadata } from '../../src/repository/index-metadata.ts'
import { decodeCommit, decodeSegmentInfo } from '../../src/repository/segments.ts'
import { decodeShardGeneration } from '../../src/repository/shard-generation.ts'
import { decodeShardSnapshot } from '../../src/repository/shard-snapshot.ts'
import { decodeSnapshotInfo } from '../../src/repository/snapshot-info.ts'
import { codecOf, envelope, reseal } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

interface Blob {
  readonly key: string
  readonly bytes: Buffer
  readonly decode: (bytes: Buffer) => unknown
}

const metadata = (bytes: Buffer) => decodeMetadataBlob(bytes, ['metadata', 'project-metadata'])
const decoders: readonly (readonly [RegExp, (bytes: Buffer) => unknown])[] = [
  [/^snap-/, decodeSnapshotInfo],
  [/^meta-/, metadata],
  [/^indices\/[^/]+\/meta-/, decodeIndexMetadata],
  [/^indices\/[^/]+\/\d+\/index-/, decodeShardGeneration],
  [/^indices\/[^/]+\/\d+\/snap-/, bytes => countCommit(decodeShardSnapshot(bytes).files)],
]

const blobs: Blob[] = repositoryFixtures().flatMap(({ name, folder }) =>
  [...filesOf(folder)].flatMap(([key, bytes]) => {
    const decode = decoders.find(([pattern]) => pattern.test(key))?.[1]
    return decode === undefined ? [] : [{ key: `${name}/${key}`, bytes, decode }]
  }),
)
/** `segments_N` and `.si` out of the metadata of the shards. */
const lucene: Blob[] = blobs
  .filter(({ key }) => /\/\d+\/snap-/.test(key))
  .flatMap(({ key, bytes }) =>
    decodeShardSnapshot(bytes).files.flatMap(({ physicalName, metaHash }): Blob[] => {
      if (metaHash === null) return []
      const decode = physicalName.startsWith('segments_')
        ? (changed: Buffer) => decodeCommit(changed, physicalName)
        : (changed: Buffer) => decodeSegmentInfo(changed, physicalName.slice(0, -3))
      return [{ key: `${key}#${physicalName}`, bytes: metaHash, decode }]
    }),
  )

function failureOf(decode: () => unknown): DecodeError | null {
  try {
    decode()
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return error as DecodeError
  }
}

const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }))
function changed(bytes: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const [at, bits] of changes) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ bits
  return copy
}

test('there is a blob of every kind', () => {
  for (const [pattern] of decoders)
    expect(blobs.some(({ key }) => pattern.test(key.slice(key.indexOf('/') + 1)))).toBe(true)
  expect(lucene.length).toBeGreaterThan(100)
})

describe('as it lies in the bucket', () => {
  test('one changed byte, anywhere, is told', () => {
    const [smallest] = [...blobs].sort((a, b) => a.bytes.length - b.bytes.length)
    if (smallest === undefined) throw new Error('no blobs')
    for (let at = 0; at < smallest.bytes.length; at++)
      for (const bits of [1, 128])
        expect(failureOf(() => smallest.decode(changed(smallest.bytes, [[at, bits]])))).not.toBeNull()
  })

  test('one to eight changed bytes of any blob are told', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...blobs, ...lucene),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        (blob, changes) => {
          const bytes = changed(blob.bytes, changes)
          fc.pre(!bytes.equals(blob.bytes))
          expect(failureOf(() => blob.decode(bytes))).not.toBeNull()
        },
      ),
      { seed: 20261123, numRuns: 3000 },
    )
  })

  test('every truncation is told', () => {
    for (const kind of decoders) {
      const blob = blobs.find(({ decode }) => decode === kind[1])
      if (blob === undefined) throw new Error('no blob')
      for (let length = 0; length < blob.bytes.length; length++)
        expect(failureOf(() => blob.decode(blob.bytes.subarray(0, length)))).not.toBeNull()
    }
  })
})

describe('behind a CRC that fits', () => {
  test('metadata: a value or a DecodeError', () => {
    const plain = blobs.map(({ key, bytes, decode }) => {
      const { body } = openEnvelope(bytes, [codecOf(bytes) as 'snapshot'])
      return { key, codec: codecOf(bytes), body: isDeflated(body) ? inflate(body, 1e9) : body, decode }
    })
    let failures = 0
    fc.assert(
      fc.property(fc.constantFrom(...plain), fc.array(change, { minLength: 1, maxLength: 6 }), (blob, changes) => {
        if (failureOf(() => blob.decode(envelope(blob.codec, changed(blob.body, changes)))) !== null) failures++
      }),
      { seed: 20261123, numRuns: 5000 },
    )
    expect(failures).toBeGreaterThan(500)
  })

  test('deflate streams and headers: a value or a DecodeError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...blobs), fc.array(change, { minLength: 1, maxLength: 3 }), (blob, changes) => {
        failureOf(() => blob.decode(reseal(changed(blob.bytes, changes))))
      }),
      { seed: 20261123, numRuns: 3000 },
    )
  })

  test('commits and segment infos: a value or a DecodeError', () => {
    let failures = 0
    fc.assert(
      fc.property(fc.constantFrom(...lucene), fc.array(change, { minLength: 1, maxLength: 4 }), (blob, changes) => {
        if (failureOf(() => blob.decode(reseal(changed(blob.bytes, changes)))) !== null) failures++
      }),
      { seed: 20261123, numRuns: 5000 },
    )
    expect(failures).toBeGreaterThan(500)
  })

  test('a deflate bomb is not inflated', () => {
    const bomb = blobs.find(({ bytes }) => isDeflated(openEnvelope(bytes, [codecOf(bytes) as 'snapshot']).body))
    if (bomb === undefined) throw new Error('no compressed blob')
    expect(failureOf(() => decodeMetadataBlob(bomb.bytes, [codecOf(bomb.bytes) as 'snapshot'], 50))?.kind).toBe(
      'too-large',
    )
  })

  test('a compression that is none is told', () => {
    const bytes = envelope('snapshot', Buffer.from('LZ4\0whatever', 'latin1'))
    expect(failureOf(() => decodeSnapshotInfo(bytes))?.kind).toBe('bad-framing')
  })

  test('another codec is told', () => {
    expect(failureOf(() => decodeSnapshotInfo(envelope('snapshots', Buffer.alloc(0))))?.kind).toBe('bad-codec')
  })
})

describe('index.latest', () => {
  test.each([
    [Buffer.from('0000000000000007', 'hex'), 7],
    [Buffer.from('0000000100000000', 'hex'), 2 ** 32],
  ])('%o', (bytes, generation) => expect(decodeIndexLatest(bytes)).toBe(generation))
  test.each([Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(9), Buffer.alloc(8, 0xff)])(
    '%o is no generation',
    bytes => {
      expect(failureOf(() => decodeIndexLatest(bytes))).not.toBeNull()
    },
  )
})
