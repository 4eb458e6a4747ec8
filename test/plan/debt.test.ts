/** Debt: what is not proven must be in it, and what is proven must not. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentRecord } from '../../src/model/plan.ts'
import { reasons } from '../../src/model/verdict.ts'
import { type DebtInput, findDebt, proofState } from '../../src/plan/debt.ts'
import { content, dailySnapshots, dayMs, nowMs, policy, proof, snapshotEntry } from '../support/contents.ts'

const longAgo = nowMs - 1000 * dayMs

function input(contents: readonly ContentRecord[], change: Partial<DebtInput> = {}): DebtInput {
  return { contents, snapshots: dailySnapshots(30), policy, startMs: longAgo, nowMs, ...change }
}
function debt(contents: readonly ContentRecord[], change: Partial<DebtInput> = {}) {
  return findDebt(input(contents, change)).map(({ content: { contentId }, kind, overdue }) => ({
    contentId,
    kind,
    overdue,
  }))
}
/** Newest of its index, so that it does not owe anything as such. */
const newestProven = content({ contentId: 'newest', snapshots: [29], proof: proof({ provenMs: nowMs - dayMs }) })

describe('proofState', () => {
  const stateOf = (change: Partial<ContentRecord>, at = nowMs) => proofState(content(change), { policy, nowMs: at })
  test('never proven', () => {
    expect(stateOf({})).toBe('never')
  })
  test('failed, whatever the blobs look like now', () => {
    expect(stateOf({ proof: proof({ verdict: 'fail' }) })).toBe('failed')
    expect(stateOf({ proof: proof({ verdict: 'fail' }), witness: 'other' })).toBe('failed')
    expect(stateOf({ proof: proof({ verdict: 'fail' }), witness: null })).toBe('failed')
  })
  test('lapsed when a blob changed, or when nothing tells whether it did', () => {
    expect(stateOf({ proof: proof({ witness: 'other' }) })).toBe('lapsed')
    expect(stateOf({ proof: proof(), witness: null })).toBe('lapsed')
    expect(stateOf({ proof: proof({ witness: null }) })).toBe('lapsed')
    expect(stateOf({ proof: proof({ witness: null }), witness: null })).toBe('lapsed')
  })
  test('good, until nine tenths of the time are over', () => {
    expect(stateOf({ proof: proof({ provenMs: nowMs - 162 * dayMs }) })).toBe('good')
    expect(stateOf({ proof: proof({ provenMs: nowMs - 162 * dayMs - 1 }) })).toBe('refresh')
  })
  test('a proof from the future counts as made now', () => {
    expect(stateOf({ proof: proof({ provenMs: nowMs + 400 * dayMs }) })).toBe('good')
    expect(debt([content({ snapshots: [29], proof: proof({ provenMs: nowMs + 400 * dayMs }) })])).toEqual([])
    expect(stateOf({ proof: proof({ provenMs: nowMs + 400 * dayMs }) }, nowMs + 600 * dayMs)).toBe('refresh')
  })
})

describe('kinds', () => {
  test('proven and fresh is no debt', () => {
    expect(debt([newestProven])).toEqual([])
  })
  test('an older content that was never proven', () => {
    expect(debt([newestProven, content({ snapshots: [3] })])).toEqual([
      { contentId: 'content-a', kind: 'never', overdue: false },
    ])
  })
  test('never proven within the time of every content: overdue', () => {
    const snapshots = [snapshotEntry(0, { endedMs: nowMs - 181 * dayMs }), ...dailySnapshots(30).slice(1)]
    expect(debt([newestProven, content()], { snapshots })).toEqual([
      { contentId: 'content-a', kind: 'overdue', overdue: true },
    ])
  })
  test('failed, overdue or not', () => {
    const failed = content({ snapshots: [3], proof: proof({ verdict: 'fail' }) })
    expect(debt([newestProven, failed])).toEqual([{ contentId: 'content-a', kind: 'failed', overdue: false }])
  })
  test('lapsed, and without a witness', () => {
    const lapsed = content({ contentId: 'b', snapshots: [3], proof: proof({ witness: 'x' }) })
    const blind = content({ contentId: 'c', snapshots: [4], witness: null, proof: proof() })
    expect(debt([newestProven, lapsed, blind]).map(item => item.kind)).toEqual(['lapsed', 'lapsed'])
  })
  test('refresh before the time is over, overdue after', () => {
    const old = (days: number) => content({ snapshots: [29], proof: proof({ provenMs: nowMs - days * dayMs }) })
    expect(debt([old(170)])).toEqual([{ contentId: 'content-a', kind: 'refresh', overdue: false }])
    expect(debt([old(181)])).toEqual([{ contentId: 'content-a', kind: 'overdue', overdue: true }])
  })
  test('worst first', () => {
    const contents = [
      content({
        contentId: 'refresh',
        indexId: 'I1',
        snapshots: [29],
        proof: proof({ provenMs: nowMs - 170 * dayMs }),
      }),
      content({ contentId: 'newest', indexId: 'I2', snapshots: [29] }),
      content({ contentId: 'never', indexId: 'I2', snapshots: [28] }),
      content({ contentId: 'lapsed', indexId: 'I2', snapshots: [27], proof: proof({ witness: 'x' }) }),
      content({
        contentId: 'overdue',
        indexId: 'I3',
        snapshots: [29],
        proof: proof({ provenMs: nowMs - 181 * dayMs }),
      }),
      content({ contentId: 'failed', indexId: 'I2', snapshots: [26], proof: proof({ verdict: 'fail' }) }),
    ]
    // I2 was never proven and its oldest snapshot is four days old.
    expect(debt(contents).map(item => item.contentId)).toEqual([
      'failed',
      'overdue',
      'newest',
      'lapsed',
      'never',
      'refresh',
    ])
  })
})

describe('the newest of each index', () => {
  const daily = (count: number, proven: readonly number[]) =>
    Array.from({ length: count }, (_, i) =>
      content({ contentId: `day-${i}`, snapshots: [i], proof: proven.includes(i) ? proof() : null }),
    )
  const newestOf = (contents: readonly ContentRecord[], snapshots = dailySnapshots(contents.length)) =>
    findDebt(input(contents, { snapshots })).find(item => item.kind === 'newest' || item.kind === 'overdue')

  test('is due seven days after it waits', () => {
    expect(newestOf(daily(7, []))).toMatchObject({ kind: 'newest', overdue: false })
    expect(newestOf(daily(8, []), dailySnapshots(8, 1))).toMatchObject({
      kind: 'overdue',
      content: { contentId: 'day-7' },
    })
  })
  test('a new snapshot every day does not put the deadline off for ever', () => {
    // The latest proven is nine days old; eight newer ones wait since then.
    expect(newestOf(daily(10, [0]), dailySnapshots(10))).toMatchObject({
      overdue: true,
      content: { contentId: 'day-9' },
    })
    expect(newestOf(daily(10, [4]), dailySnapshots(10))).toMatchObject({
      overdue: false,
      content: { contentId: 'day-9' },
    })
  })
  test('an older proof does not help the newest, nor a newer one of another index', () => {
    const other = content({ contentId: 'other', indexId: 'INDEX-OTHER', snapshots: [9], proof: proof() })
    expect(newestOf([...daily(10, [0, 1]), other])).toMatchObject({ content: { contentId: 'day-9' } })
  })
  test('the same content in a newer snapshot is proven there too', () => {
    const same = content({ snapshots: [0, 29], proof: proof() })
    expect(debt([same, content({ contentId: 'b', snapshots: [28] })])).toMatchObject([
      { contentId: 'b', kind: 'never' },
    ])
  })
  test('a failed newest is still looked at first', () => {
    const failed = content({ snapshots: [29], proof: proof({ verdict: 'fail' }) })
    expect(debt([failed])).toEqual([{ contentId: 'content-a', kind: 'failed', overdue: false }])
  })
})

describe('the start of the policy', () => {
  const old = content({ snapshots: [0] })
  const snapshots = [snapshotEntry(0, { endedMs: nowMs - 900 * dayMs })]
  test('no deadline lies before start plus promise', () => {
    expect(debt([old], { snapshots, startMs: nowMs - 6 * dayMs })).toEqual([
      { contentId: 'content-a', kind: 'newest', overdue: false },
    ])
    expect(debt([old], { snapshots, startMs: nowMs - 8 * dayMs })).toMatchObject([{ overdue: true }])
  })
  test('snapshots that do not say when they ended count from the start', () => {
    const silent = [snapshotEntry(0, { endedMs: null })]
    expect(debt([old], { snapshots: silent, startMs: nowMs - 6 * dayMs })).toMatchObject([{ overdue: false }])
    expect(debt([old], { snapshots: silent, startMs: nowMs - 8 * dayMs })).toMatchObject([{ overdue: true }])
  })
})

describe('obstacles', () => {
  test.each(['mounted', 'system-index', 'not-verifiable-here', 'partial-at-source', 'failed-at-source'] as const)(
    '%s owes nothing',
    obstacle => {
      expect(reasons[obstacle].debt).toBe(false)
      expect(debt([content({ obstacle })])).toEqual([])
    },
  )
  test.each(['count-unknown', 'not-read'] as const)('%s is debt, and goes beyond policy like any other', obstacle => {
    expect(reasons[obstacle].debt).toBe(true)
    expect(debt([content({ obstacle, snapshots: [29] })])).toMatchObject([{ kind: 'newest', overdue: false }])
    expect(debt([content({ obstacle, snapshots: [10] })])).toMatchObject([{ overdue: true }])
  })
})

describe('a system index that an engine was asked for in vain', () => {
  const asked = (daysAgo: number, change: Partial<ContentRecord> = {}) =>
    content({
      snapshots: [0],
      system: true,
      lastInconclusive: { atMs: nowMs - daysAgo * dayMs, reason: 'system-index', runId: 'run-before' },
      ...change,
    })
  const old = [snapshotEntry(0, { endedMs: nowMs - 900 * dayMs })]
  test('is debt until it was asked, like any other', () => {
    const never = asked(0, { lastInconclusive: null })
    expect(debt([never], { snapshots: old })).toMatchObject([{ kind: 'overdue', overdue: true }])
  })
  test('is asked again when a proof would be renewed, and is never late', () => {
    expect(debt([asked(1)], { snapshots: old })).toEqual([])
    expect(debt([asked(162)], { snapshots: old })).toEqual([])
    expect(debt([asked(163)], { snapshots: old })).toMatchObject([{ kind: 'refresh', overdue: false }])
    expect(debt([asked(-900)], { snapshots: old })).toEqual([])
  })
  test('stays debt where it failed, or met trouble since', () => {
    const failed = asked(1, { proof: proof({ verdict: 'fail' }) })
    expect(debt([failed], { snapshots: old })).toMatchObject([{ overdue: true }])
    const trouble = { atMs: nowMs, reason: 'engine-died', runId: 'run-before' } as const
    expect(debt([asked(1, { lastInconclusive: trouble })], { snapshots: old })).toMatchObject([{ overdue: true }])
  })
})

describe('for any repository', () => {
  const proofs = fc.option(
    fc.record({
      verdict: fc.constantFrom('pass' as const, 'fail' as const),
      provenMs: fc.integer({ min: nowMs - 400 * dayMs, max: nowMs + 10 * dayMs }),
      witness: fc.constantFrom('witness-a', 'other', null),
    }),
  )
  /** One content, or none, of each index in each snapshot. */
  const index = (indexId: string) =>
    fc.array(fc.constantFrom(null, 'a', 'b', 'c', 'd'), { minLength: 30, maxLength: 30 }).chain(held => {
      const ids = [...new Set(held)].filter(id => id !== null)
      const records = ids.map(contentId =>
        fc
          .record({
            witness: fc.constantFrom('witness-a', null),
            proof: proofs.map(change => (change === null ? null : proof(change))),
            obstacle: fc.constantFrom(null, null, null, 'mounted' as const),
          })
          .map(change =>
            content({
              contentId,
              indexId,
              snapshots: held.flatMap((id, i) => (id === contentId ? [i] : [])),
              ...change,
            }),
          ),
      )
      return fc.tuple(...records)
    })
  const contents = fc.tuple(index('I'), index('J')).map(([i, j]) => [...i, ...j])

  test('a content is either proven and fresh, or in debt once', () => {
    fc.assert(
      fc.property(contents, list => {
        const items = findDebt(input(list))
        expect(new Set(items.map(item => item.content)).size).toBe(items.length)
        const owed = new Set(items.map(item => item.content))
        for (const one of list) {
          const { proof: latest } = one
          const fresh =
            latest !== null &&
            latest.verdict === 'pass' &&
            one.witness !== null &&
            latest.witness === one.witness &&
            nowMs - latest.provenMs <= 162 * dayMs
          expect(owed.has(one)).toBe(one.obstacle === null && !fresh)
        }
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  test('the order of what comes in does not matter, nor sharing', () => {
    // Without shared credit one content of an index stands once for each snapshot.
    const strict = contents.map(list =>
      list.flatMap(one => one.snapshots.map(position => ({ ...one, snapshots: [position] }))),
    )
    fc.assert(
      fc.property(
        fc
          .oneof(contents, strict)
          .chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(findDebt(input(shuffled))).toEqual(findDebt(input(list)))
        },
      ),
      { seed: 3, numRuns: 500 },
    )
  })

  test('a bad proof makes nothing better than none', () => {
    fc.assert(
      fc.property(contents, list => {
        const bad = list.map(one => ({ ...one, proof: proof({ verdict: 'fail' }) }))
        const none = list.map(one => ({ ...one, proof: null }))
        expect(findDebt(input(bad))).toHaveLength(findDebt(input(none)).length)
        expect(findDebt(input(bad)).filter(item => item.overdue)).toHaveLength(
          findDebt(input(none)).filter(item => item.overdue).length,
        )
      }),
      { seed: 3 },
    )
  })
})
