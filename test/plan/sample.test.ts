/** The draw is uniform and repeatable; what is said of all contents is what counting every possible draw leaves possible. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ContentRecord } from '../../src/model/plan.ts'
import { atMostFound, concludeSample, drawOrder, type Sampled, sentenceOf, stateFrom } from '../../src/plan/sample.ts'

function content(i: number): ContentRecord {
  return {
    contentId: `c${i}`,
    indexName: `index-${i}`,
    indexId: `i${i}`,
    shardCount: 1,
    createdVersion: null,
    bytes: i,
    files: 1,
    snapshots: [0],
    obstacle: null,
    witness: null,
    proof: null,
    lastInconclusive: null,
  }
}

/** Of all draws of `drawn` from `population` with `bad` bad ones the part with at most `found`: by counting, in whole numbers. */
function byCounting(population: number, bad: number, drawn: number, found: number): number {
  let [few, all] = [0, 0]
  for (let draw = 0; draw < 2 ** population; draw++) {
    let [size, hits] = [0, 0]
    for (let i = 0; i < population; i++) {
      if ((draw & (1 << i)) === 0) continue
      size++
      if (i < bad) hits++
    }
    if (size !== drawn) continue
    all++
    if (hits <= found) few++
  }
  return few / all
}

test('the probability of a draw is that of counting all draws', () => {
  for (let population = 1; population <= 9; population++)
    for (let bad = 0; bad <= population; bad++)
      for (let drawn = 1; drawn <= population; drawn++)
        for (let found = 0; found <= drawn; found++)
          expect(atMostFound(population, bad, drawn, found)).toBeCloseTo(byCounting(population, bad, drawn, found), 9)
})

test('what is said is wrong in no more draws than it admits, however many are bad', () => {
  for (const confidence of [80, 95])
    for (let population = 1; population <= 10; population++)
      for (let drawn = 1; drawn <= population; drawn++)
        for (let bad = 0; bad <= population; bad++) {
          let wrong = 0
          for (let failed = 0; failed <= Math.min(drawn, bad); failed++) {
            const chance =
              byCounting(population, bad, drawn, failed) -
              (failed === 0 ? 0 : byCounting(population, bad, drawn, failed - 1))
            const said = stateFrom({ population, passed: drawn - failed, failed, open: 0, cut: 0, confidence })
            if (said !== null && (bad < said.atLeast || bad > said.atMost)) wrong += chance
          }
          expect(wrong, `${bad} of ${population}, ${drawn} drawn`).toBeLessThanOrEqual(1 - confidence / 100 + 1e-9)
        }
}, 60_000)

test('without a failure it is never wrong more often, whatever cut the draw', () => {
  // Whoever cuts sees what comes next: before each bad one, as a limit on bytes would where the large ones are bad.
  for (let population = 2; population <= 9; population++)
    for (let bad = 1; bad <= population; bad++) {
      let wrong = 0
      for (let kept = 0; kept <= population - bad; kept++) {
        const firstGood = (k: number) => (k > population - bad ? 0 : byCounting(population, bad, Math.max(k, 1), 0))
        const chance = (kept === 0 ? 1 : firstGood(kept)) - firstGood(kept + 1)
        const said = stateFrom({ population, passed: kept, failed: 0, open: 0, cut: population - kept, confidence: 95 })
        if (said !== null && bad > said.atMost) wrong += chance
      }
      expect(wrong, `${bad} of ${population}`).toBeLessThanOrEqual(0.05 + 1e-9)
    }
})

test('known numbers', () => {
  const said = (rest: Partial<Sampled>) =>
    stateFrom({ population: 1000, passed: 0, failed: 0, open: 0, cut: 0, confidence: 95, ...rest })
  expect(said({ passed: 59 })).toEqual({ atLeast: 0, atMost: 48 })
  expect(said({ passed: 1000 })).toEqual({ atLeast: 0, atMost: 0 })
  expect(said({ passed: 999 })).toEqual({ atLeast: 0, atMost: 0 })
  expect(said({ passed: 949 })).toEqual({ atLeast: 0, atMost: 1 })
  expect(said({ passed: 951 })).toEqual({ atLeast: 0, atMost: 0 })
  expect(said({ passed: 58, failed: 1 })).toEqual({ atLeast: 1, atMost: 76 })
  expect(said({ passed: 1 })).toEqual({ atLeast: 0, atMost: 950 })
  expect(said({ failed: 1000 })).toEqual({ atLeast: 1000, atMost: 1000 })
  expect(said({})).toBeNull()
  expect(said({ open: 59 })).toBeNull()
  expect(stateFrom({ population: 1, passed: 1, failed: 0, open: 0, cut: 0, confidence: 95 })).toEqual({
    atLeast: 0,
    atMost: 0,
  })
  expect(said({ population: 5_000_000, passed: 299 })?.atMost).toBeGreaterThan(49_000)
})

test('what was not judged, or cut beside a failure, weakens what is said and never strengthens it', () => {
  const some = fc.nat(12)
  fc.assert(
    fc.property(some, some, some, some, fc.nat(200), (passed, failed, open, cut, more) => {
      const population = passed + failed + open + cut + more
      const said = (rest: Partial<Sampled>) =>
        stateFrom({ population, passed, failed, open, cut, confidence: 95, ...rest })
      const now = said({})
      if (now === null) return
      expect(now.atLeast).toBeLessThanOrEqual(now.atMost)
      expect(now.atMost).toBeGreaterThanOrEqual(failed)
      expect(now.atMost).toBeLessThanOrEqual(population - passed)
      // Had all that is open been good, more would be known.
      const known = said({ passed: passed + open, open: 0 })
      expect(known?.atMost ?? population).toBeLessThanOrEqual(now.atMost)
      // Had it been bad, it would be within what is said.
      const bad = said({ failed: failed + open, open: 0 })
      if (failed > 0 && bad !== null) expect(bad.atMost).toBeLessThanOrEqual(now.atMost)
    }),
    { seed: 11, numRuns: 300 },
  )
})

test('the draw: repeatable, whatever the order of the input, and every content as likely as another', () => {
  const contents = Array.from({ length: 20 }, (_, i) => content(i))
  const names = (seed: string, list = contents) => drawOrder(list, seed).map(one => one.contentId)
  expect(names('a', [...contents].reverse())).toEqual(names('a'))
  expect(names('b')).not.toEqual(names('a'))
  expect([...names('a')].sort()).toEqual(contents.map(one => one.contentId).sort())
  const first = new Map<string, number>()
  for (let seed = 0; seed < 4000; seed++)
    for (const name of names(`seed ${seed}`).slice(0, 5)) first.set(name, (first.get(name) ?? 0) + 1)
  // 1,000 expected of each, standard deviation 27.
  for (const one of contents) expect(Math.abs((first.get(one.contentId) ?? 0) - 1000)).toBeLessThan(140)
})

test('words', () => {
  const sampled = { population: 1000, passed: 59, failed: 0, open: 0, cut: 0, confidence: 95 }
  const most = { ...sampled, passed: 960 }
  expect(sentenceOf(most, stateFrom(most))).toBe(
    '95 % sure, from a random draw: none of the 1,000 contents that can be restored is bad.',
  )
  expect(sentenceOf(sampled, stateFrom(sampled))).toBe(
    '95 % sure, from a random draw: at most 48 of the 1,000 contents that can be restored are bad, that is 4.8 %.',
  )
  const draw = { seed: 's', population: 40, wanted: 10, confidence: 95 }
  const one = (verdict: 'pass' | 'fail' | 'inconclusive') => ({ contentId: 'c', index: 'i', snapshot: 's', verdict })
  expect(concludeSample(draw, [one('pass'), one('pass'), one('fail'), one('inconclusive')])).toMatchObject({
    passed: 2,
    failed: 1,
    open: 1,
    cut: 6,
  })
  expect(concludeSample(draw, [one('pass'), one('fail')]).sentence).toMatch(
    /^95 % sure, from a random draw: \d+ to \d+ of the 40 .* \(the limits of the run cut 8 off the end of the draw\)\.$/,
  )
  expect(concludeSample(draw, []).sentence).toMatch(/^The draw supports no statement about the 40/)
  expect(concludeSample({ ...draw, population: 0 }, []).sentence).toMatch(/nothing was drawn/)
  expect(concludeSample({ ...draw, population: 2 }, [one('pass'), one('pass')]).sentence).toBe(
    'All 2 contents that can be restored were drawn and are good.',
  )
})
