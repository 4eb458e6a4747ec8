/** Commits and segment infos in every layout since Lucene 5: documents, deletes, and the files that they name. */
import { describe, expect, test } from 'vitest'
import type { FileEntry } from '../../src/model/content.ts'
import { countCommit } from '../../src/repository/commit-counts.ts'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeCommit, decodeSegmentInfo } from '../../src/repository/segments.ts'
import { reseal } from '../support/envelope.ts'
import { type TestSegment, writeCommit, writeSegmentInfo } from '../support/lucene.ts'

const segments: readonly TestSegment[] = [
  { name: '_0', maxDoc: 13, deletesGeneration: 11n, deleted: 1, softDeleted: 3 },
  { name: '_a', maxDoc: 300, deletesGeneration: -1n, deleted: 0, softDeleted: 0 },
]
const layouts = [
  [6, 'Lucene50SegmentInfo', false],
  [6, 'Lucene62SegmentInfo', false],
  [7, 'Lucene70SegmentInfo', false],
  [9, 'Lucene70SegmentInfo', false],
  [10, 'Lucene86SegmentInfo', false],
  [10, 'Lucene90SegmentInfo', false],
  [10, 'Lucene90SegmentInfo', true],
] as const

function file(physicalName: string, metaHash: Buffer | null): FileEntry {
  return {
    name: `v__${physicalName.replaceAll('.', '-')}`,
    physicalName,
    bytes: metaHash?.length ?? 5,
    checksum: null,
    partBytes: null,
    metaHash,
  }
}

function shard(format: number, codec: string, hasBlocks: boolean, prefix = ''): FileEntry[] {
  return [
    file('segments_1c', writeCommit(format, '1c', segments)),
    ...segments.flatMap(segment => {
      const own = [`${segment.name}.cfs`, `${segment.name}.si`]
      const named = own.map(name => (prefix === '' ? name : name.replace(segment.name, prefix)))
      return [
        file(`${segment.name}.cfs`, null),
        file(`${segment.name}.si`, writeSegmentInfo(codec, segment, named, hasBlocks)),
      ]
    }),
    // Generation 11 in base 36.
    file('_0_b.liv', null),
  ]
}

describe.each(layouts)('commit format %i, %s, has blocks %s', (format, codec, hasBlocks) => {
  const softDeleted = format >= 9 ? 3 : 0

  test('documents without deletes', () => {
    expect(countCommit(shard(format, codec, hasBlocks))).toEqual({
      luceneDocs: 13 - 1 - softDeleted + 300,
      maxSeqNo: 41,
      countStatus: 'known',
      problem: null,
    })
  })

  test.each(['_0_b.liv', '_0.cfs', '_a.si'])('%s is missed', name => {
    const files = shard(format, codec, hasBlocks).filter(({ physicalName }) => physicalName !== name)
    expect(countCommit(files)).toMatchObject({ countStatus: 'inconsistent' })
  })

  test('segments taken over from another index name foreign files', () => {
    expect(countCommit(shard(format, codec, hasBlocks, '_7')).countStatus).toBe('known')
  })
})

test('more deletes than documents is inconsistent', () => {
  const bad = { name: '_0', maxDoc: 2, deletesGeneration: -1n, deleted: 3, softDeleted: 0 }
  const files = [
    file('segments_1', writeCommit(10, '1', [bad])),
    file('_0.si', writeSegmentInfo('Lucene90SegmentInfo', bad, ['_0.si'], true)),
  ]
  expect(countCommit(files)).toMatchObject({ countStatus: 'inconsistent', luceneDocs: null })
})

test('no segments are no documents', () => {
  expect(countCommit([file('segments_2', writeCommit(10, '2', []))])).toMatchObject({
    luceneDocs: 0,
    countStatus: 'known',
  })
})

test('formats to come are unknown, and not broken', () => {
  expect(() => decodeCommit(writeCommit(11, '1', segments), 'segments_1')).toThrow('format 11')
  const [segment] = segments
  if (segment === undefined) throw new Error('no segment')
  const info = writeSegmentInfo('Lucene99SegmentInfo', segment, [], true)
  expect(() => decodeSegmentInfo(info, '_0')).toThrow('Lucene99SegmentInfo')
})

test('a claimed number of entries that cannot be there ends at once', () => {
  const bytes = writeCommit(10, '1', [])
  const at = bytes.length - 16 - 15
  bytes.fill(0x7f, at, at + 1)
  expect(() => decodeCommit(reseal(bytes), 'segments_1')).toThrow(DecodeError)
})
