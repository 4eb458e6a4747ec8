/**
 * A clock that jumps by a day, ahead or back: before a run, in the middle of one at any time that it is read, or in the run before. It makes no
 * old proof young, ends no run early, steals no lease and accuses nobody.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../src/time.ts'
import { type Truth, truthOf, wrongAfter, wrongIn, wrongLedger } from './truth.ts'
import { damagedRepository, hurriedClock, newWorld, noFault, removeWorld } from './wholeAudit.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 })

const dayMs = 86_400_000
const never = /^never$/
const stride = Number(process.env.SNAPPROOF_CLOCKS_STRIDE ?? '0')

interface JumpingClock extends Clock {
  /** How often the time of day was read. */
  readings(): number
}

/** Wrong by `byMs` from that reading on, from 1. */
function jumpingClock(byMs: number, reading = 1): JumpingClock {
  let readings = 0
  return {
    ...hurriedClock,
    nowMs: () => hurriedClock.nowMs() + (++readings >= reading ? byMs : 0),
    readings: () => readings,
  }
}

let folder = ''
let repository = ''
let truth: Truth
/** Contents that the first night restores. */
let contents = 0
let readings = 0
let worlds = 0

const world = () => newWorld(join(folder, `world-${++worlds}`), repository)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-clocks-'))
  repository = await damagedRepository(folder)
  const clock = jumpingClock(0)
  const { run } = await (await world()).night(noFault(), { clock })
  if (run === null) throw new Error('an audit without a fault did not complete')
  truth = truthOf(run)
  contents = run.restores.length
  readings = clock.readings()
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const directions = [
  ['ahead', dayMs],
  ['back', -dayMs],
] as const

describe.each(directions)('a day %s', (_, byMs) => {
  test('at any reading of a run: it does all its work, in no time, and the next says the same', async () => {
    const all = Array.from({ length: readings }, (_, i) => i + 1)
    const step = stride > 0 ? stride : Math.ceil(readings / 4)
    for (const reading of all.filter(one => one % step === 1 % step)) {
      const own = await world()
      const clock = jumpingClock(byMs, reading)
      const night = await own.night(noFault(), { clock, settings: { 'limits.duration': '1h' } })
      const where = `reading ${reading} of ${readings}`
      expect(clock.readings(), where).toBeGreaterThanOrEqual(reading)
      expect(wrongIn(night, truth, never), where).toEqual([])
      expect(night.exitCode, where).toBe(1)
      expect(
        night.run?.restores.filter(({ verdict }) => verdict === 'pass'),
        where,
      ).toHaveLength(contents)
      expect(night.run?.seconds, where).toBeGreaterThanOrEqual(0)
      expect(night.run?.seconds, where).toBeLessThan(3600)
      // A proof that is dated ahead is done again; one that is dated back counts.
      const next = await own.night()
      expect(wrongAfter(next, truth, byMs < 0), where).toEqual([])
      expect(await wrongLedger(own), where).toEqual([])
      await removeWorld(own)
    }
  }, 600_000)

  test('while a run restores: it does all its work, in no time', async () => {
    const own = await world()
    let wrongMs = 0
    const clock: Clock = { ...hurriedClock, nowMs: () => hurriedClock.nowMs() + wrongMs }
    const settings = { 'limits.duration': '1h' }
    const whileItRuns = async () => {
      wrongMs = byMs
    }
    const night = await own.night(noFault(), { clock, settings, whileItRuns })
    expect(wrongIn(night, truth, never)).toEqual([])
    expect(night.run?.restores.filter(({ verdict }) => verdict === 'pass')).toHaveLength(contents)
    expect(night.run?.seconds).toBeGreaterThanOrEqual(0)
    expect(night.run?.seconds).toBeLessThan(3600)
    // It was right when the run began, so what it proved is dated right.
    expect(wrongAfter(await own.night(), truth, true)).toEqual([])
    await removeWorld(own)
  })

  test.each([1, 3])(
    'before or in a run (reading %i) over proofs that are too old: all is done again',
    async reading => {
      const own = await world()
      await own.night(noFault(), { clock: jumpingClock(-200 * dayMs) })
      const night = await own.night(noFault(), { clock: jumpingClock(byMs, reading) })
      expect(wrongIn(night, truth, never)).toEqual([])
      expect(night.run?.restores).toHaveLength(contents)
      // Bytes are due again after 90 days.
      const levels = night.run?.snapshots.map(snapshot => snapshot.levels.bytes?.reason)
      expect(levels).not.toContain('remembered')
      await removeWorld(own)
    },
  )

  test('before a run over proofs of today: nobody is accused, nothing is overdue', async () => {
    const own = await world()
    await own.night()
    const night = await own.night(noFault(), { clock: jumpingClock(byMs) })
    expect(wrongAfter(night, truth, byMs > 0)).toEqual([])
    expect(night.run?.debt.overdue).toBe(0)
    await removeWorld(own)
  })

  test('in the run before: what it proved is not younger for it', async () => {
    const own = await world()
    const wrong = await own.night(noFault(), { clock: jumpingClock(byMs) })
    expect(wrongIn(wrong, truth, never)).toEqual([])
    const next = await own.night()
    expect(wrongAfter(next, truth, byMs < 0)).toEqual([])
    // 182 days later even a proof that was dated a day ahead is too old.
    const later = await own.night(noFault(), { clock: jumpingClock(182 * dayMs) })
    expect(later.run?.restores).toHaveLength(contents)
    await removeWorld(own)
  })

  test('on another machine: it does not steal the lease', async () => {
    const own = await world()
    let other: Awaited<ReturnType<typeof own.night>> | null = null
    const night = await own.night(noFault(), {
      whileItRuns: async () => {
        other ??= await own.night(noFault(), { clock: jumpingClock(byMs), machine: 'other' })
      },
    })
    expect(other).toMatchObject({ exitCode: 3, run: null, left: [] })
    expect(wrongIn(night, truth, never)).toEqual([])
    expect(await wrongLedger(own)).toEqual([])
    await removeWorld(own)
  })
})
