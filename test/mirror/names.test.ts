import { join, normalize } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blobKind, generationOf } from '../../src/mirror/names.ts'

const id = 'Ab3_-9xYz0123456789abc'

describe('blobKind', () => {
  it.each([
    ['index-0', 'generation'],
    ['index-1234', 'generation'],
    ['index.latest', 'latest'],
    [`snap-${id}.dat`, 'framed'],
    [`meta-${id}.dat`, 'framed'],
    [`indices/${id}/meta-${id}.dat`, 'framed'],
    [`indices/${id}/0/snap-${id}.dat`, 'framed'],
    [`indices/${id}/12/index-${id}`, 'framed'],
    [`indices/${id}/0/__${id}`, 'data'],
    [`indices/${id}/0/__-${id}`, 'data'],
    [`indices/${id}/0/__0`, 'data'],
    [`indices/${id}/0/__${id}.part17`, 'data'],
  ])('knows %s', (key, kind) => {
    expect(blobKind(key)).toBe(kind)
  })

  it.each([
    '',
    'index-',
    'index-01',
    'index-1x',
    'index-1\n',
    'index-9999999999999999',
    'incompatible-snapshots',
    'tests-x/master.dat',
    '/index-1',
    '../index-1',
    `indices/../../etc/0/__${id}`,
    `indices/${id}/0/../__${id}`,
    `indices/${id}/0/__../${id}`,
    `indices/${id}/x/__${id}`,
    `indices/${id}/0/v__${id}`,
    `indices/${id}/0/__${id}.part`,
    `indices/${id}/0/snap-..`,
    `indices/.${id}/meta-${id}.dat`,
    `indices\\${id}\\0\\__${id}`,
    `indices/${id}/0/__${id}\u0000`,
  ])('refuses %j', key => {
    expect(blobKind(key)).toBeNull()
  })

  it('never accepts a key that leaves the folder or names another path than it says', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '/',
      'indices',
      id,
      '0',
      '__',
      'snap-',
      '.dat',
      'index-',
      '\\',
      '\0',
      'meta-',
      '.part1',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const key = pieces.join('')
        if (blobKind(key) === null) return
        expect(normalize(join('/mirror', key))).toBe(`/mirror/${key}`)
      }),
      { seed: 7, numRuns: 5_000 },
    )
  })
})

describe('generationOf', () => {
  it('reads the N of the root blob only', () => {
    expect(generationOf('index-42')).toBe(42)
    expect(generationOf(`indices/${id}/0/index-42`)).toBeNull()
  })
})
