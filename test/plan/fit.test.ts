/** What fits on the disk, and from where it is read. */
import { describe, expect, it } from 'vitest'
import { type FitContent, fitGroup, type Room, smallestMachine } from '../../src/plan/fit.ts'

function content(bytes: number, blobs: readonly string[], change: Partial<FitContent> = {}): FitContent {
  return { bytes, blobs: new Map(blobs.map(key => [key, 100])), chained: false, ...change }
}
const room = (bytes: number | null, change: Partial<Room> = {}): Room => ({
  bytes,
  alone: true,
  sources: ['mirror'],
  parallel: 2,
  ...change,
})
// Shared blobs once: 300; the two largest at once: 700.
const three = [content(100, ['a']), content(300, ['a', 'b']), content(400, ['b', 'c'])]

describe('fit', () => {
  it('counts each blob once and what is restored at once', () => {
    expect(fitGroup(three, room(1000))).toMatchObject({
      source: 'mirror',
      now: [0, 1, 2],
      neededBytes: 1000,
      parallel: 2,
    })
  })
  it('restores one at a time where two do not fit', () => {
    expect(fitGroup(three, room(999))).toMatchObject({ now: [0, 1, 2], neededBytes: 700, parallel: 1 })
  })
  it('waits while others use the disk', () => {
    expect(fitGroup(three, room(999, { alone: false }))).toBe('wait')
  })
  it('takes what fits together, then the rest', () => {
    expect(fitGroup(three, room(650))).toMatchObject({ now: [0, 1], later: [2], never: [], neededBytes: 500 })
  })
  it('says what one needs that fits nowhere', () => {
    expect(fitGroup(three, room(599))).toMatchObject({
      now: [0, 1],
      later: [],
      never: [{ content: 2, neededBytes: 600 }],
    })
  })
  it('counts a chained content twice: the new files come before the old ones go', () => {
    expect(fitGroup([content(100, ['a'], { chained: true })], room(299))).toMatchObject({
      now: [],
      never: [{ content: 0, neededBytes: 300 }],
    })
  })
  it('reads from the store what the disk cannot hold twice', () => {
    const sources = ['mirror', 's3'] as const
    expect(fitGroup(three, room(1000, { sources }))).toMatchObject({ source: 'mirror' })
    expect(fitGroup(three, room(699, { sources }))).toMatchObject({ source: 's3', now: [0, 1, 2], parallel: 1 })
    expect(fitGroup(three, room(399, { sources }))).toMatchObject({
      source: 's3',
      now: [0, 1],
      never: [{ content: 2, neededBytes: 400 }],
    })
  })
  it('asks nothing where the room is not known', () => {
    expect(fitGroup(three, room(null))).toMatchObject({ now: [0, 1, 2] })
  })
})

describe('smallestMachine', () => {
  it.each([
    [10e9, 'CodeBuild BUILD_GENERAL1_SMALL (64 GB)'],
    [64e9, 'CodeBuild BUILD_GENERAL1_MEDIUM (128 GB)'],
    [300e9, 'CodeBuild BUILD_GENERAL1_2XLARGE (824 GB)'],
    [2e12, 'EC2'],
  ])('%d bytes', (bytes, name) => {
    expect(smallestMachine(bytes, 12e9)).toContain(name)
  })
})
