/** The random draw of a run: whom it may hit, what limits leave of it, and what is said in the end. */
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../src/model/finding.ts'
import type { ContentRecord, DebtItem } from '../../src/model/plan.ts'
import type { Limits } from '../../src/model/policy.ts'
import type { RestoreRow } from '../../src/model/run.ts'
import type { VerdictValue } from '../../src/model/verdict.ts'
import { findDebt } from '../../src/plan/debt.ts'
import { selectPlan } from '../../src/plan/select.ts'
import { type DrawInput, drawContents, drawOf, sampleOf } from '../../src/run/draw.ts'
import { content, dailySnapshots, dayMs, debtItem, nowMs, policy, proof } from '../support/contents.ts'

const nine = { name: 'nine', product: 'elasticsearch', version: '9.5.3' } as const
const noLimits: Limits = { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null }
const snapshots = dailySnapshots(10)
const snapshotVersions = snapshots.map(() => 9_009_000)
const identity = { uuid: 'R', clusterId: 'C', generation: 7, format: '7.12.0' }

/** One content in one snapshot each, proven last night. */
const proven = (count: number, change: Partial<ContentRecord> = {}) =>
  Array.from({ length: count }, (_, i) =>
    content({ contentId: `c${i}`, indexId: `I${i}`, snapshots: [i % 10], proof: proof(), ...change }),
  )

function draw(contents: readonly ContentRecord[], change: Partial<DrawInput> = {}) {
  const input = {
    contents,
    policy: { contents: 5, confidence: 95 },
    snapshotVersions,
    engines: [nine],
    identity,
    nowMs,
  }
  const drawn = drawContents({ ...input, ...change })
  if (drawn === null) throw new Error('nothing was drawn')
  return drawn
}

function plan(contents: readonly ContentRecord[], limits: Partial<Limits> = {}, debt: readonly DebtItem[] = []) {
  const drawn = draw(contents)
  const chosen = selectPlan({
    sample: drawn.order,
    debt,
    snapshots,
    snapshotVersions,
    engines: [nine],
    limits: { ...noLimits, ...limits },
    only: null,
  })
  const restored = chosen.groups.flatMap(group => group.contents.map(one => one.content.contentId))
  return { drawn, chosen, restored, of: drawOf(drawn, chosen, snapshots) }
}

const ids = (contents: readonly { readonly contentId: string }[]) => contents.map(one => one.contentId)

describe('the draw', () => {
  test('none is wanted', () => {
    const input = { contents: proven(3), snapshotVersions, engines: [nine], identity, nowMs }
    expect(drawContents({ ...input, policy: null })).toBeNull()
    expect(drawContents({ ...input, policy: { contents: null, confidence: 95 } })).toBeNull()
  })

  test('is of all that can be restored, and of nothing else', () => {
    const contents = [
      ...proven(3),
      content({ contentId: 'mounted', obstacle: 'mounted', snapshots: [1] }),
      content({ contentId: 'too-new', createdVersion: 99_000_000, snapshots: [1] }),
      // In one snapshot that no engine reads, and in one that it reads.
      content({ contentId: 'both', snapshots: [0, 1] }),
    ]
    const versions = snapshotVersions.map((version, i) => (i === 0 ? 99_000_000 : version))
    const drawn = draw(contents, { snapshotVersions: versions, policy: { contents: 50, confidence: 90 } })
    expect(ids(drawn.order).sort()).toEqual(['both', 'c1', 'c2'])
    expect(drawn).toMatchObject({ population: 3, wanted: 50, confidence: 90 })
    expect(draw([]).order).toEqual([])
  })

  test('does not look at risk: neither proof nor size nor age changes it', () => {
    const contents = proven(40)
    const others = contents.map((one, i) => ({ ...one, bytes: i * 1e9, proof: i % 2 === 0 ? null : one.proof }))
    expect(ids(draw(others).order)).toEqual(ids(draw(contents).order))
    expect(draw(contents).order).toHaveLength(5)
  })

  test('is the same all day, another on the next day and of another generation', () => {
    const contents = proven(40)
    const first = draw(contents)
    expect(first.seed).toBe('2026-11-23 generation 7')
    expect(draw(contents, { nowMs: nowMs + dayMs / 3 })).toEqual(first)
    const others = [
      draw(contents, { nowMs: nowMs + dayMs }),
      draw(contents, { identity: { ...identity, generation: 8 } }),
    ]
    for (const other of others) expect(ids(other.order)).not.toEqual(ids(first.order))
  })

  test('strict credit: a content stands once for each of its snapshots', () => {
    const contents = snapshots.map((_, position) => content({ snapshots: [position] }))
    const { drawn, of } = plan(contents)
    expect(drawn.population).toBe(10)
    expect(new Set(of.contents.map(one => one.snapshotUuid)).size).toBe(5)
    expect(of.contents.map(one => one.snapshotUuid)).toEqual(drawn.order.map(one => `UUID-${one.snapshots[0]}`))
  })
})

describe('the plan', () => {
  test('what was proven last night is restored again, in the order of the draw', () => {
    const contents = proven(40)
    const debt = findDebt({ contents, snapshots, policy, startMs: nowMs - 30 * dayMs, nowMs })
    expect(debt).toEqual([])
    const { drawn, chosen, restored, of } = plan(contents, {}, debt)
    expect(restored.sort()).toEqual(ids(drawn.order).sort())
    expect(ids(of.contents)).toEqual(ids(drawn.order))
    expect(chosen.groups.flatMap(group => group.contents.map(one => one.kind))).toEqual(Array(5).fill('refresh'))
    expect(chosen.restoreBytes).toBe(5000)
  })

  test('what is drawn and owed is restored once, as what it is owed for, and debt beside it all the same', () => {
    const contents = proven(40)
    const hit = draw(contents).order[2]
    const other = contents.find(one => !draw(contents).order.includes(one))
    if (hit === undefined || other === undefined) throw new Error('the draw took all')
    const debt = [debtItem(other), debtItem(hit, { kind: 'failed' })]
    const { chosen, restored, of } = plan(contents, {}, debt)
    expect(restored).toHaveLength(6)
    expect(new Set(restored).size).toBe(6)
    expect(chosen.groups.flatMap(group => group.contents).find(one => one.content === hit)?.kind).toBe('failed')
    expect(of.contents[2]?.contentId).toBe(hit.contentId)
    expect(chosen.left).toEqual([])
  })

  test.each([
    ['bytes', { restoreBytes: 2500 }, 2],
    ['snapshots', { snapshots: 1 }, 1],
  ])('limits cut it off in its order: %s', (_, limits, least) => {
    // Those that come later would fit: small ones, and ones of a snapshot that is chosen.
    const contents = proven(40)
    const order = ids(draw(contents).order)
    const third = order[least]
    const some = contents.map(one => {
      if (one.contentId === third) return { ...one, bytes: 5000, snapshots: [9] }
      return order.includes(one.contentId) ? { ...one, snapshots: [0] } : one
    })
    // Another snapshot is another rank: the draw was made before.
    const drawn = { ...draw(contents), order: order.flatMap(id => some.find(one => one.contentId === id) ?? []) }
    const input = { debt: [], snapshots, snapshotVersions, engines: [nine], only: null }
    const chosen = selectPlan({ ...input, sample: drawn.order, limits: { ...noLimits, ...limits } })
    const of = drawOf(drawn, chosen, snapshots)
    expect(ids(of.contents)).toEqual(order.slice(0, least))
    expect(sampleOf(of, [])).toMatchObject({ cut: 5 - least, open: least, statement: null })
  })

  test('a content larger than the whole limit is not passed over: it ends the draw', () => {
    const contents = proven(40)
    const [head] = draw(contents).order
    const some = contents.map(one => (one.contentId === head?.contentId ? { ...one, bytes: 9000 } : one))
    expect(plan(some, { restoreBytes: 8000 }).of.contents).toEqual([])
  })
})

describe('what came of it', () => {
  const row = (contentId: string, snapshotUuid: string, verdict: VerdictValue) =>
    ({ contentId, snapshotUuid, verdict }) as RestoreRow
  const { of } = plan(proven(40))
  const rows = (verdict: VerdictValue) => of.contents.map(one => row(one.contentId, one.snapshotUuid, verdict))

  test('all good', () => {
    const sample = sampleOf(of, rows('pass'))
    expect(sample).toMatchObject({ population: 40, passed: 5, failed: 0, open: 0, cut: 0, statement: { atLeast: 0 } })
    expect(sample.contents.map(one => one.verdict)).toEqual(Array(5).fill('pass'))
  })

  test('what was not restored, not judged, or restored from another snapshot is open', () => {
    const [first, second, third, ...rest] = of.contents.map(one => row(one.contentId, one.snapshotUuid, 'pass'))
    if (first === undefined || second === undefined || third === undefined) throw new Error('five were drawn')
    const found = [
      { ...first, verdict: 'inconclusive' as const },
      { ...second, verdict: 'not-applicable' as const },
      { ...third, snapshotUuid: 'ANOTHER' },
      ...rest.slice(1),
    ]
    expect(sampleOf(of, found)).toMatchObject({ passed: 1, failed: 0, open: 4 })
  })

  test('of a content that was restored twice the fail counts, and an answer before none', () => {
    const [one] = of.contents
    const again = (...verdicts: VerdictValue[]) =>
      sampleOf(
        of,
        verdicts.map(verdict => row(one?.contentId ?? '', one?.snapshotUuid ?? '', verdict)),
      ).contents[0]?.verdict
    expect(again('fail', 'pass')).toBe('fail')
    expect(again('pass', 'fail')).toBe('fail')
    expect(again('fail', 'inconclusive')).toBe('fail')
    expect(again('inconclusive', 'pass')).toBe('pass')
    expect(again('pass', 'inconclusive')).toBe('pass')
  })

  test('what rests on a blob that is bad is bad, restored or not; a warning, another snapshot or index accuses nobody', () => {
    const [one] = of.contents
    const finding = (change: object) =>
      ({ severity: 'error', index: one?.indexName, snapshots: [one?.snapshotUuid], ...change }) as unknown as Finding
    const first = (change: object) => sampleOf(of, [], [finding(change)]).contents[0]?.verdict
    expect(first({})).toBe('fail')
    expect(first({ severity: 'warning' })).toBe('inconclusive')
    expect(first({ snapshots: ['ANOTHER'] })).toBe('inconclusive')
    expect(first({ index: 'another' })).toBe('inconclusive')
    expect(sampleOf(of, rows('pass'), [finding({})]).contents[0]?.verdict).toBe('fail')
  })

  test('a failure is said with what else may be bad', () => {
    const [head, ...rest] = rows('pass')
    const sample = sampleOf(of, head === undefined ? [] : [{ ...head, verdict: 'fail' }, ...rest])
    expect(sample).toMatchObject({ passed: 4, failed: 1, statement: { atLeast: 1 } })
    expect(sample.statement?.atMost).toBeGreaterThan(1)
    expect(sample.sentence).toMatch(/^95 % sure, from a random draw: 1 to \d+ of the 40 contents/)
  })
})
