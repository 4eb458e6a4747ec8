/**
 * What is fuzzed: each decoder with real blobs to start from. A target may decode an input or refuse it with a
 * `DecodeError`; anything else is a crash.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openEnvelope, verifyFooter } from '../../../src/repository/codec-footer.ts'
import { countCommit } from '../../../src/repository/commit-counts.ts'
import { decodeMetadataBlob, inflate, isDeflated } from '../../../src/repository/framing.ts'
import { decodeIndexLatest } from '../../../src/repository/index-latest.ts'
import { decodeIndexMetadata } from '../../../src/repository/index-metadata.ts'
import { LuceneInput } from '../../../src/repository/lucene-input.ts'
import { decodeRepositoryData } from '../../../src/repository/repository-data.ts'
import { decodeCommit, decodeSegmentInfo } from '../../../src/repository/segments.ts'
import { decodeShardGeneration } from '../../../src/repository/shard-generation.ts'
import { decodeShardSnapshot } from '../../../src/repository/shard-snapshot.ts'
import { decodeSmile } from '../../../src/repository/smile.ts'
import { decodeSnapshotInfo } from '../../../src/repository/snapshot-info.ts'
import { codecOf, envelope, reseal } from '../generate/envelope.ts'
import { compareWithParse } from './json.ts'

/** `dictionary`: which words are worth putting in. */
export interface FuzzTarget {
  /** Ascending by length. */
  readonly samples: readonly Buffer[]
  readonly dictionary: 'smile' | 'json' | 'lucene'
  /** Throws `DecodeError`. */
  decode(input: Buffer): unknown
}

/** A small blob must not ask for more: the fuzzer would only wait for memory to be filled. */
const maxInflated = 16 * 1024 ** 2
const root = resolve(import.meta.dirname, '../../..')
const codecs = ['snapshot', 'snapshots', 'metadata', 'project-metadata', 'index-metadata'] as const

/** Made when asked for: a worker needs one of them. */
export const fuzzTargets: Readonly<Record<string, () => FuzzTarget>> = {
  // The envelope as it lies in the bucket, mostly refused by its CRC; and behind a CRC that fits.
  'codec-footer': () => ({
    samples: blobs(/\.dat$|\/index-[^/]+$/),
    dictionary: 'lucene',
    decode: input => {
      verifyFooter(reseal(input))
      return openEnvelope(input, codecs)
    },
  }),
  framing: () => ({
    samples: blobs(/\.dat$|\/index-[^/]+$/),
    dictionary: 'smile',
    decode: input => decodeMetadataBlob(reseal(input), codecs, maxInflated),
  }),
  smile: () => ({
    samples: [...bodies(/\.dat$|\/index-[^/]+$/), ...files('test/fixtures/smile', /\.smile$/)],
    dictionary: 'smile',
    decode: input => decodeSmile(input),
  }),
  'snapshot-info': () => inEnvelope('snapshot', /^snap-/, decodeSnapshotInfo),
  'index-metadata': () => inEnvelope('index-metadata', /^indices\/[^/]+\/meta-/, decodeIndexMetadata),
  'shard-generation': () => inEnvelope('snapshots', /\/\d+\/index-[^/]+$/, decodeShardGeneration),
  'shard-snapshot': () =>
    inEnvelope('snapshot', /\/\d+\/snap-/, (bytes, limit) => countCommit(decodeShardSnapshot(bytes, limit).files)),
  'repository-data': () => ({
    samples: blobs(/^index-\d+$/),
    dictionary: 'json',
    // In chunks, as a store gives it: the seam may lie inside a character.
    decode: async input => {
      const at = input.length % 97
      return await decodeRepositoryData([input.subarray(0, at), input.subarray(at)], 7)
    },
  }),
  // Held against JSON.parse: both must take the same documents and see the same in them.
  json: () => ({ samples: blobs(/^index-\d+$/), dictionary: 'json', decode: input => compareWithParse(input) }),
  'index-latest': () => ({ samples: blobs(/^index\.latest$/), dictionary: 'lucene', decode: decodeIndexLatest }),
  segments: () => ({
    samples: luceneFiles(/^segments_/),
    dictionary: 'lucene',
    decode: input => {
      const sealed = reseal(input)
      return decodeCommit(sealed, `segments_${new LuceneInput(sealed).header().suffix}`)
    },
  }),
  'segment-info': () => ({
    samples: luceneFiles(/\.si$/),
    dictionary: 'lucene',
    decode: input => decodeSegmentInfo(reseal(input), '_0'),
  }),
  'lucene-input': () => ({
    samples: luceneFiles(/./),
    dictionary: 'lucene',
    decode: input => {
      const lucene = new LuceneInput(input)
      lucene.header()
      return [lucene.vint(), lucene.string(), lucene.map(), lucene.set(), lucene.int32(true), lucene.int64()]
    },
  }),
}

/** The body is changed and then sealed, so that the decoder behind the CRC meets it. */
function inEnvelope(codec: string, key: RegExp, decode: (bytes: Buffer, limit: number) => unknown): FuzzTarget {
  return {
    samples: bodies(key),
    dictionary: 'smile',
    decode: input => decode(envelope(codec, input), maxInflated),
  }
}

const repositories = 'test/fixtures/repositories'

/** Blobs of all fixtures, by their key in the repository. */
function blobs(key: RegExp): Buffer[] {
  return readdirSync(join(root, repositories), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .flatMap(({ name }) => files(join(repositories, name, 'repository'), key))
    .sort(byLength)
}

function files(folder: string, name: RegExp): Buffer[] {
  const whole = join(root, folder)
  return readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => name.test(path.slice(whole.length + 1)))
    .sort()
    .map(path => readFileSync(path))
    .sort(byLength)
}

function byLength(a: Buffer, b: Buffer): number {
  return a.length - b.length || Buffer.compare(a, b)
}

/** SMILE inside the envelope, inflated. */
function bodies(key: RegExp): Buffer[] {
  return blobs(key)
    .flatMap(bytes => {
      if (bytes.readUInt32BE(0) !== 0x3fd76c17) return []
      const { body } = openEnvelope(bytes, [codecOf(bytes) as 'snapshot'])
      return isDeflated(body) ? [inflate(body, maxInflated)] : [body]
    })
    .sort(byLength)
}

/** Out of the metadata of the shards. */
function luceneFiles(name: RegExp): Buffer[] {
  return blobs(/\/\d+\/snap-/).flatMap(bytes =>
    decodeShardSnapshot(bytes).files.flatMap(({ physicalName, metaHash }) =>
      metaHash !== null && name.test(physicalName) ? [metaHash] : [],
    ),
  )
}
