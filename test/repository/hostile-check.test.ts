/**
 * Hostile blobs in a repository that is otherwise whole: `check` ends, says which blob and where in it, accuses exactly
 * the snapshots that need it, and passes nothing that it could not look at.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { damagedReader } from '../../src/repository/damage/damaged-reader.ts'
import type { BlobKind } from '../../src/repository/damage/kinds.ts'
import type { SmileValue } from '../../src/repository/smile.ts'
import { codecOf, deflated, envelope, rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { memoryReader } from '../support/memoryReader.ts'
import { encodeSmile } from '../support/smile.ts'
import { ask, type DamageSuite, openSuite } from './damage/suite.ts'

// biome-ignore lint/suspicious/noExplicitAny: the decoded tree is changed at known places
type Tree = any
let suite: DamageSuite
beforeAll(async () => {
  const fixture = repositoryFixtures().find(({ name }) => name === 'es-9.5')
  if (fixture === undefined) throw new Error('the fixture is not there')
  suite = await openSuite(fixture, 1)
})

function blobOf(kind: BlobKind) {
  const blob = suite.blobs.find(one => one.kind === kind && one.neededBy.length > 0)
  if (blob === undefined) throw new Error(`the fixture has no ${kind}`)
  return { blob, bytes: suite.files.get(blob.key) ?? Buffer.alloc(0) }
}

async function answerTo(key: string, bytes: Buffer) {
  const { report, error } = await ask(
    damagedReader(memoryReader(suite.files), { key, change: { type: 'replace', bytes } }),
    'presence',
  )
  expect(error).toBeNull()
  const told = report?.findings.filter(finding => finding.severity !== 'information') ?? []
  return { told, verdicts: report?.verdicts ?? [] }
}

const deep = Buffer.concat([Buffer.from([0x3a, 0x29, 0x0a, 0x05]), Buffer.alloc(100_000, 0xf8)])
const crafted: readonly (readonly [string, BlobKind, (bytes: Buffer) => Buffer])[] = [
  ['arrays 100,000 deep', 'root-snapshot', bytes => envelope(codecOf(bytes), deep)],
  ['arrays 100,000 deep', 'global-metadata', bytes => envelope(codecOf(bytes), deep)],
  ['arrays 100,000 deep', 'index-metadata', bytes => envelope(codecOf(bytes), deep)],
  ['arrays 100,000 deep', 'shard-snapshot', bytes => envelope(codecOf(bytes), deep)],
  ['a name of a codec of 127 bytes', 'shard-snapshot', () => envelope('x'.repeat(127), deep)],
  ['a deflate stream of noise', 'index-metadata', () => envelope('index-metadata', Buffer.from('DFL\0noise'))],
  [
    'an index of a million shards',
    'index-metadata',
    bytes =>
      rewrite(bytes, root => {
        for (const index of Object.values(root) as Tree[]) index.settings['index.number_of_shards'] = '1000000'
      }),
  ],
  [
    'a file that climbs out of its folder',
    'shard-snapshot',
    bytes =>
      rewrite(bytes, root => {
        ;(root as Tree).files[0].name = '__/../../../../index-9'
      }),
  ],
  [
    'a file of 8 exabytes',
    'shard-snapshot',
    bytes =>
      rewrite(bytes, root => {
        ;(root as Tree).files[0].length = 2n ** 63n - 1n
      }),
  ],
  [
    'an object that poisons prototypes',
    'root-snapshot',
    () =>
      envelope('snapshot', deflated(encodeSmile({ snapshot: JSON.parse('{"__proto__":{"name":"x"}}') as SmileValue }))),
  ],
]

describe('is one finding about that blob', () => {
  test.each(crafted)('%s in %s', async (_, kind, craft) => {
    const { blob, bytes } = blobOf(kind)
    const { told, verdicts } = await answerTo(blob.key, craft(bytes))
    expect(told.map(({ code, key }) => [code, key])).toEqual([['corrupt-metadata-blob', blob.key]])
    expect([...(told[0]?.snapshots ?? [])].sort()).toEqual(blob.neededBy)
    expect(told[0]?.message).toMatch(/\(byte \d+\)/)
    const failing = new Set(verdicts.filter(row => row.verdict === 'fail').map(row => row.uuid))
    expect([...failing].sort()).toEqual(blob.neededBy)
  })
})

test('a blob that would take more memory than it may is left open, and nobody is accused', async () => {
  const { blob } = blobOf('shard-snapshot')
  const bomb = envelope('snapshot', deflated(Buffer.alloc((1 << 28) + 1)))
  const { told, verdicts } = await answerTo(blob.key, bomb)
  expect(told).toEqual([])
  const own = verdicts.filter(({ uuid }) => blob.neededBy.includes(uuid))
  expect(own.length).toBeGreaterThan(0)
  expect(own.filter(({ verdict }) => verdict !== 'inconclusive')).toEqual([])
})

describe('index-N', () => {
  const change: readonly (readonly [string, (text: string) => string])[] = [
    ['a uuid that climbs', text => text.replace(/"uuid":"[^"]{22}","state"/, '"uuid":"../../etc/passwd","state"')],
    ['a name with NUL', text => text.replace('"night-1"', '"night\\u0000"')],
    ['an index called __proto__', text => text.replace('"indices":{', '"indices":{"__proto__":{"id":"x"},')],
    ['an index that comes twice', text => text.replace('"indices":{', '"indices":{"wide":{"id":"x","snapshots":[]},')],
    ['arrays 100,000 deep', () => '['.repeat(100_000)],
    ['a text of 64 MiB', text => text.replace('"night-1"', `"${'x'.repeat(1 << 26)}"`)],
  ]
  test.each(change)('with %s is unreadable, and the finding says where', async (_, edit) => {
    const blob = suite.blobs.find(({ kind }) => kind === 'repository-data')
    const text = (suite.files.get(blob?.key ?? '') ?? Buffer.alloc(0)).toString('utf8')
    expect(edit(text)).not.toBe(text)
    const { told, verdicts } = await answerTo(blob?.key ?? '', Buffer.from(edit(text)))
    expect(told.map(({ code }) => code)).toEqual(['unreadable-repository-data'])
    expect(told[0]?.message).toMatch(new RegExp(`${blob?.key} at byte \\d+`))
    expect(told[0]?.message.length).toBeLessThan(1000)
    expect(verdicts).toEqual([])
  })
})
