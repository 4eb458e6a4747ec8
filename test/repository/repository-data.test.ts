/** `index-N` of all generations of the format, in any chunks, cut off, and with references that do not meet. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeRepositoryData } from '../../src/repository/repository-data.ts'
import { repositoryFixtures } from '../support/fixtures.ts'

const decode = (value: unknown) => decodeRepositoryData([Buffer.from(JSON.stringify(value))], 7)
const decodeText = (text: string) => decodeRepositoryData([Buffer.from(text)], 7)

async function failureOf(promise: Promise<unknown>): Promise<DecodeError> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(DecodeError)
  return error as DecodeError
}

/** Two snapshots, one index, as 8.11 and later write them. */
function example() {
  return {
    min_version: '7.12.0',
    uuid: 'REPO',
    cluster_id: 'CLUSTER',
    snapshots: [
      {
        name: 'one',
        uuid: 'S1',
        state: 1,
        index_metadata_lookup: { I1: 'u-h-1-1-1' } as Record<string, string>,
        version: '8.11.0' as unknown,
        index_version: 8536000,
        start_time_millis: 10,
        end_time_millis: 20,
        slm_policy: '',
      },
      { name: 'two', uuid: 'S2', state: 3, index_metadata_lookup: { I1: 'u-h-1-2-1' }, version: '8.11.0' },
    ] as { [key: string]: unknown }[],
    indices: {
      logs: {
        id: 'I1',
        snapshots: ['S2', 'S1'] as unknown[],
        shard_generations: ['G0', null, '3', '_new'] as unknown[],
      },
    } as Record<string, { id: string; snapshots: unknown[]; shard_generations?: unknown[]; [key: string]: unknown }>,
    index_metadata_identifiers: { 'u-h-1-1-1': 'M1', 'u-h-1-2-1': 'M2' } as Record<string, string>,
  }
}

describe('formats', () => {
  test('8.11 and later', async () => {
    const { data, faults, unknownKeys, indexMetadataIdentifier } = await decode(example())
    expect(data.identity).toEqual({ uuid: 'REPO', clusterId: 'CLUSTER', generation: 7, format: '7.12.0' })
    expect(data.snapshots).toEqual([
      {
        name: 'one',
        uuid: 'S1',
        state: 'SUCCESS',
        version: '8.11.0',
        indexVersion: 8536000,
        startedMs: 10,
        endedMs: 20,
        slmPolicy: '',
      },
      {
        name: 'two',
        uuid: 'S2',
        state: 'PARTIAL',
        version: '8.11.0',
        indexVersion: null,
        startedMs: null,
        endedMs: null,
        slmPolicy: null,
      },
    ])
    expect(data.indices).toEqual([
      {
        name: 'logs',
        id: 'I1',
        snapshots: Int32Array.of(0, 1),
        shardGenerations: ['G0', null, null, null],
        shardPathType: 0,
      },
    ])
    expect([0, 1].map(snapshot => data.indexMetadataBlobId(snapshot, 0))).toEqual(['M1', 'M2'])
    expect(indexMetadataIdentifier(1, 0)).toBe('u-h-1-2-1')
    expect({ faults, unknownKeys }).toEqual({ faults: [], unknownKeys: [] })
  })

  test('before 7.6: no generations, metadata by snapshot uuid, snapshots as objects before 5.4.1', async () => {
    const { data, faults } = await decode({
      snapshots: [{ name: 'old', uuid: 'S1', state: 1 }],
      indices: { logs: { id: 'I1', snapshots: [{ name: 'old', uuid: 'S1' }] } },
    })
    expect(data.identity).toEqual({ uuid: null, clusterId: null, generation: 7, format: null })
    expect(data.indices[0]?.snapshots).toEqual(Int32Array.of(0))
    expect(data.indices[0]?.shardGenerations).toEqual([])
    expect(data.indexMetadataBlobId(0, 0)).toBe('S1')
    expect(faults).toEqual([])
  })

  test('8.10 with a number as version, OpenSearch with path types, both layouts of metadata in one', async () => {
    const value = example()
    const [one, two] = value.snapshots
    if (one !== undefined) one['version'] = 8100099
    if (two !== undefined) two['index_metadata_lookup'] = {}
    Object.assign(value.indices['logs'] ?? {}, { shard_path_type: 1, unheard_of: [{ deep: [1] }] })
    const { data, faults } = await decode({ ...value, min_version: undefined })
    expect(data.snapshots[0]?.version).toBe('8100099')
    expect(data.indices[0]?.shardPathType).toBe(1)
    expect([0, 1].map(snapshot => data.indexMetadataBlobId(snapshot, 0))).toEqual(['M1', 'S2'])
    expect(faults).toEqual([])
  })

  test('indices come in the byte order of their ids, positions in their own order', async () => {
    const value = example()
    value.indices['other'] = { id: '-0', snapshots: ['S2'] }
    value.indices['third'] = { id: 'Z', snapshots: ['S1', 'S2', 'S1'] }
    const { data } = await decode(value)
    expect(data.indices.map(({ id }) => id)).toEqual(['-0', 'I1', 'Z'])
    expect(data.indices.map(({ snapshots }) => [...snapshots])).toEqual([[1], [0, 1], [0, 1]])
    expect(data.indexMetadataBlobId(1, 0)).toBe('S2')
  })

  test('names of the prototype are names', async () => {
    const text = JSON.stringify(example()).replace('"logs"', '"constructor"').replaceAll('"I1"', '"__proto__"')
    const { data, faults } = await decodeText(text)
    expect(data.indices[0]).toMatchObject({ name: 'constructor', id: '__proto__' })
    expect(data.indexMetadataBlobId(0, 0)).toBe('M1')
    expect(faults).toEqual([])
  })

  test('unknown root keys are passed over and told', async () => {
    const { unknownKeys, data } = await decode({ ...example(), novelty: { a: [1, { b: null }] }, more: 1 })
    expect(unknownKeys).toEqual(['novelty', 'more'])
    expect(data.snapshots.length).toBe(2)
  })
})

describe('references that do not meet', () => {
  test('an index names a snapshot that is not listed', async () => {
    const value = example()
    value.indices['logs']?.snapshots.push('GHOST')
    const { data, faults } = await decode(value)
    expect(faults).toMatchObject([{ index: 'logs', snapshots: [] }])
    expect(faults[0]?.message).toContain('GHOST')
    expect(data.indices[0]?.snapshots).toEqual(Int32Array.of(0, 1))
  })

  test('an identifier is used and not defined: one fault, the snapshots that need it', async () => {
    const value = example()
    delete value.index_metadata_identifiers['u-h-1-2-1']
    const { data, faults } = await decode(value)
    expect(faults).toMatchObject([{ index: 'logs', snapshots: ['S2'] }])
    expect(data.indexMetadataBlobId(1, 0)).toBeNull()
    expect(data.indexMetadataBlobId(0, 0)).toBe('M1')
  })

  test('two indices share an id', async () => {
    const value = example()
    value.indices['twin'] = { id: 'I1', snapshots: ['S1'] }
    const { faults } = await decode(value)
    expect(faults.length).toBe(1)
    expect(faults[0]?.message).toContain('share the id I1')
  })

  test('two snapshots share a name', async () => {
    const value = example()
    value.snapshots.push({ name: 'one', uuid: 'S3', state: 1 })
    const { faults } = await decode(value)
    expect(faults).toMatchObject([{ snapshots: ['S3'] }])
  })
})

describe('what cannot be read', () => {
  test.each([
    ['nothing', '', 'truncated'],
    ['not JSON', '<Error><Code>AccessDenied</Code></Error>', 'bad-token'],
    ['a list', '[]', 'bad-value'],
    ['text', '"index"', 'bad-value'],
    ['no snapshots', '{"indices":{}}', 'bad-value'],
    ['no indices', '{"snapshots":[]}', 'bad-value'],
    ['snapshots twice', '{"snapshots":[],"indices":{},"snapshots":[]}', 'bad-value'],
    [
      'an index twice',
      '{"snapshots":[],"indices":{"a":{"id":"1","snapshots":[]},"a":{"id":"2","snapshots":[]}}}',
      'bad-value',
    ],
    [
      'an index in a lookup twice',
      '{"snapshots":[{"name":"a","uuid":"u","index_metadata_lookup":{"1":"x","1":"y"}}],"indices":{}}',
      'bad-value',
    ],
    ['a uuid in a snapshot twice', '{"snapshots":[{"name":"a","uuid":"u","uuid":"v"}],"indices":{}}', 'bad-value'],
    [
      'the snapshots of an index twice',
      '{"snapshots":[],"indices":{"a":{"id":"1","snapshots":[],"snapshots":[]}}}',
      'bad-value',
    ],
    [
      'an identifier twice',
      '{"snapshots":[],"indices":{},"index_metadata_identifiers":{"a":"1","a":"2"}}',
      'bad-value',
    ],
    ['an index without id', '{"snapshots":[],"indices":{"a":{"snapshots":[]}}}', 'bad-value'],
    ['an id with a way out', '{"snapshots":[],"indices":{"a":{"id":"../..","snapshots":[]}}}', 'bad-value'],
    ['an index name with a slash', '{"snapshots":[],"indices":{"a/b":{"id":"1","snapshots":[]}}}', 'bad-value'],
    ['a uuid with a slash', '{"snapshots":[{"name":"a","uuid":"a/b"}],"indices":{}}', 'bad-value'],
    ['a uuid twice', '{"snapshots":[{"name":"a","uuid":"u"},{"name":"b","uuid":"u"}],"indices":{}}', 'bad-value'],
    ['a state of no kind', '{"snapshots":[{"name":"a","uuid":"u","state":9}],"indices":{}}', 'bad-value'],
    ['snapshots as text', '{"snapshots":"x","indices":{}}', 'bad-value'],
    ['indices as a list', '{"snapshots":[],"indices":[]}', 'bad-value'],
    ['a format to come', '{"min_version":"12.0.0","snapshots":[],"indices":{}}', 'unknown-layout'],
    ['a comma too many', '{"snapshots":[],"indices":{},}', 'bad-token'],
    ['a colon missing', '{"snapshots" []}', 'bad-token'],
    ['two documents', '{"snapshots":[],"indices":{}}{}', 'bad-token'],
    ['brackets that do not match', '{"snapshots":[}', 'bad-token'],
    ['endless nesting', `{"x":${'['.repeat(200)}`, 'too-deep'],
    ['bytes that are not UTF-8', Buffer.from('7b22ff', 'hex').toString('latin1'), 'truncated'],
  ])('%s', async (_, text, kind) => {
    expect((await failureOf(decodeText(text))).kind).toBe(kind)
  })

  test('the place is named', async () => {
    const error = await failureOf(decodeText('{"snapshots":[],\n"indices":{]}'))
    expect(error.offset).toBe(28)
    expect(error.message).toContain('byte 28')
  })
})

const [fixture] = repositoryFixtures().slice(-1)
const key = readdirSync(fixture?.folder ?? '').find(name => /^index-\d+$/.test(name)) ?? ''
const bytes = readFileSync(join(fixture?.folder ?? '', key))

describe('a real one', () => {
  test('every truncation is told, with its length', async () => {
    for (let length = 0; length < bytes.length; length += 3) {
      const error = await failureOf(decodeRepositoryData([bytes.subarray(0, length)], 5))
      expect(error.kind).toBe('truncated')
      expect(error.offset).toBe(length)
    }
  })

  test('in whatever chunks', async () => {
    const whole = JSON.stringify((await decodeRepositoryData([bytes], 5)).data)
    for (const size of [1, 7, 100]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      expect(JSON.stringify((await decodeRepositoryData(chunks, 5)).data)).toBe(whole)
    }
  })

  test('random changes give a value or a DecodeError', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        async changes => {
          const changed = Buffer.from(bytes)
          for (const [at, byte] of changes) changed[at] = byte
          await decodeRepositoryData([changed], 5).catch((error: unknown) => expect(error).toBeInstanceOf(DecodeError))
        },
      ),
      { seed: 20261123, numRuns: 500 },
    )
  })
})
