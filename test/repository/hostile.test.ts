/**
 * Bytes that somebody wrote to do harm, met by the decoders: refused with a `DecodeError` that says where, in bounded
 * time and memory. What takes memory runs in a process with a small heap: it would die, were the memory taken.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/repository/decode-error.ts'
import { decodeMetadataBlob } from '../../src/repository/framing.ts'
import { decodeRepositoryData } from '../../src/repository/repository-data.ts'
import { decodeShardSnapshot } from '../../src/repository/shard-snapshot.ts'
import { decodeSmile, type SmileValue } from '../../src/repository/smile.ts'
import { envelope } from '../support/envelope.ts'
import { encodeSmile } from '../support/smile.ts'

const header = Buffer.from([0x3a, 0x29, 0x0a, 0x05])
const smile = (...bytes: readonly (number | Buffer)[]) =>
  Buffer.concat([header, ...bytes.map(byte => (typeof byte === 'number' ? Buffer.from([byte]) : byte))])

function refused(decode: () => unknown): DecodeError {
  try {
    decode()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error('it was taken')
}

async function refusedLater(json: string): Promise<DecodeError> {
  try {
    await decodeRepositoryData([Buffer.from(json)], 1)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error('it was taken')
}

describe('SMILE', () => {
  test.each([
    ['arrays', 0xf8, 0xf9],
    ['objects', 0xfa, 0xfb],
  ])('%s in one another, 100,000 deep', (_, open, close) => {
    const step = open === 0xfa ? Buffer.from([open, 0x80, 0x61]) : Buffer.from([open])
    const deep = smile(Buffer.alloc(100_000 * step.length, step), 0x21, Buffer.alloc(100_000, close))
    expect(refused(() => decodeSmile(deep))).toMatchObject({ kind: 'too-deep', offset: 4 + 1000 * step.length })
  })

  test.each([
    ['binary of 4 GB', [0xfd, 0x20, 0x00, 0x00, 0x00, 0x80]],
    ['binary of 2^63', [0xfd, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0xbf]],
    ['seven-bit binary of 4 GB', [0xe8, 0x20, 0x00, 0x00, 0x00, 0x80]],
    ['a big integer of 4 GB', [0x26, 0x20, 0x00, 0x00, 0x00, 0x80]],
    ['a text longer than the document', [0x7f, 0x61]],
    ['a text that does not end', [0xe0, 0x61, 0x61]],
  ])('%s is announced and not there', (_, bytes) => {
    const { kind, offset } = refused(() => decodeSmile(smile(Buffer.from(bytes))))
    expect(kind).toBe('truncated')
    expect(offset).toBe(5)
  })

  test('a name that comes twice is refused where it comes again', () => {
    const twice = smile(0xfa, 0x80, 0x61, 0xc2, 0x40, 0xc4, 0xfb)
    expect(refused(() => decodeSmile(twice))).toMatchObject({ kind: 'bad-value', offset: 8 })
    // Names that every object inherits are none of its own.
    const inherited = { constructor: 1, toString: 2, hasOwnProperty: 3 } as unknown as SmileValue
    expect(decodeSmile(encodeSmile(inherited))).toEqual(inherited)
  })

  test('__proto__ is a name like any other and changes no object', () => {
    const proto = Buffer.from('__proto__')
    const inner = Buffer.concat([Buffer.from([0xfa, 0x80, 0x78, 0x23, 0xfb])])
    const value = decodeSmile(smile(0xfa, 0x80 + proto.length - 1, proto, inner, 0xfb))
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true)
    expect((value as { x?: unknown }).x).toBeUndefined()
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    const again = smile(0xfa, 0x80 + proto.length - 1, proto, 0x23, 0x80 + proto.length - 1, proto, 0x22, 0xfb)
    expect(refused(() => decodeSmile(again)).kind).toBe('bad-value')
  })
})

describe('shard blobs', () => {
  const file = { name: '__a', physical_name: '_0.cfs', length: 10, checksum: 'a1', part_size: 5, written_by: '9' }
  const blob = (...files: readonly SmileValue[]) =>
    envelope('snapshot', encodeSmile({ name: 'night-1', files: [...files] }))

  test.each([
    ['climbs out of the folder', { name: '__../../x' }],
    ['is absolute', { name: '/etc/passwd' }],
    ['holds NUL', { name: '__a\0b' }],
    ['holds a newline', { name: '__a\nb' }],
    ['is that of a metadata blob', { name: 'snap-x.dat' }],
    ['is a way out on our own disk', { physical_name: '../../../x' }],
    ['is a folder', { physical_name: '..' }],
    ['holds NUL on our own disk', { physical_name: '_0\0.cfs' }],
    ['is 1 MB long', { name: `__${'a'.repeat(1e6)}` }],
    ['claims 2^60 bytes in parts of one', { length: 2n ** 60n }],
    ['claims a million parts and more', { length: 2 ** 40, part_size: 1000 }],
  ])('a file whose name or size %s', (_, change) => {
    expect(decodeShardSnapshot(blob(file)).files.length).toBe(1)
    const error = refused(() => decodeShardSnapshot(blob({ ...file, ...change })))
    expect(error.kind).toBe('bad-value')
    // What is said of it fits on a screen.
    expect(error.message.length).toBeLessThan(300)
  })

  test('many files that claim many parts each', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({
      ...file,
      name: `__${i}`,
      physical_name: `_${i}.cfs`,
      length: 900_000 * 5,
    }))
    expect(refused(() => decodeShardSnapshot(blob(...many))).message).toContain('parts')
  })
})

describe('index-N', () => {
  const snapshot = '{"name":"n","uuid":"u","state":1}'
  const root = (snapshots: string, indices: string) => `{"snapshots":[${snapshots}],"indices":{${indices}}}`

  test('as it should be is taken', async () => {
    const { data } = await decodeRepositoryData([Buffer.from(root(snapshot, '"a":{"id":"i","snapshots":["u"]}'))], 1)
    expect([data.snapshots.length, data.indices.length]).toEqual([1, 1])
  })

  test.each([
    ['a snapshot uuid that climbs', root('{"name":"n","uuid":"../u"}', '')],
    ['a snapshot name with NUL', root('{"name":"n\\u0000","uuid":"u"}', '')],
    ['a snapshot name with a newline', root('{"name":"n\\nDELETE /","uuid":"u"}', '')],
    ['a snapshot name that climbs', root('{"name":"../n","uuid":"u"}', '')],
    ['an index id that climbs', root(snapshot, '"a":{"id":"..","snapshots":["u"]}')],
    ['an index name with a newline', root(snapshot, '"a\\nb":{"id":"i","snapshots":["u"]}')],
    ['an index name with NUL', root(snapshot, '"a\\u0000":{"id":"i","snapshots":["u"]}')],
    ['a wildcard for an index name', root(snapshot, '"*":{"id":"i","snapshots":["u"]}')],
    ['an index called __proto__', root(snapshot, '"__proto__":{"id":"i","snapshots":["u"]}')],
    ['an index that comes twice', root(snapshot, '"a":{"id":"i","snapshots":[]},"a":{"id":"j","snapshots":[]}')],
    ['an id that comes twice', root(snapshot, '"a":{"id":"i","id":"j","snapshots":["u"]}')],
    ['snapshots that come twice', `{"snapshots":[],"snapshots":[],"indices":{}}`],
    ['a uuid that comes twice', root(`${snapshot},${snapshot}`, '')],
    ['a number for a list', `{"snapshots":7,"indices":{}}`],
    ['arrays 100,000 deep', `${'['.repeat(100_000)}`],
    ['objects 100,000 deep', '{"x":'.repeat(100_000)],
  ])('%s', async (_, json) => {
    const { offset, message } = await refusedLater(json)
    expect(offset).toBeLessThanOrEqual(json.length)
    expect(message.length).toBeLessThan(400)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(message).not.toMatch(/[\u0000-\u001f]/)
  })
})

/** What each would take, were it taken: far more than the heap of the child. */
const bombs: readonly (readonly [string, string])[] = [
  ['a deflate bomb of 4 GiB', 'deflate'],
  ['an inflated text of 1 GB', 'text'],
  ['an inflated name of 1 GB', 'name'],
  ['30 million empty objects', 'objects'],
  ['3 million names', 'names'],
  ['a text of 200 MB, within what a blob may be', 'text200'],
  ['a text of 1 GB in index-N', 'json-text'],
  ['a number of 1 GB in index-N', 'json-number'],
  ['a zstd bomb', 'zstd'],
]

describe('in a process with 1 GiB of heap', () => {
  test.each(bombs)(
    '%s',
    (_, name) => {
      const script = join(import.meta.dirname, 'damage/bomb.ts')
      const child = spawnSync(process.execPath, ['--max-old-space-size=1024', '--import', 'tsx', script, name], {
        encoding: 'utf8',
        timeout: 55_000,
      })
      expect([child.status, child.stderr.slice(-500)]).toEqual([0, ''])
      const { kind, offset, peakMb } = JSON.parse(child.stdout)
      expect(name === 'text200' ? 'truncated' : 'too-large').toBe(kind)
      expect(offset).toBeGreaterThanOrEqual(0)
      expect(peakMb).toBeLessThan(1600)
    },
    30_000,
  )
})

test('a body that inflates to more than it may is refused, and one that does not is taken', () => {
  const body = Buffer.concat([Buffer.from('DFL\0', 'latin1'), Buffer.from('0300', 'hex')])
  expect(refused(() => decodeMetadataBlob(envelope('snapshot', body), ['snapshot'], 10)).kind).not.toBe('too-large')
})
