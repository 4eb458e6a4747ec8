/** What is left for a second look, whether it counts, and how both become one. */
import { describe, expect, it, test } from 'vitest'
import { makeFinding } from '../../src/check/findings.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { Reason, VerdictValue } from '../../src/model/verdict.ts'
import { joinLooks, type Look, limitsLeft, seesAsMuch } from '../../src/run/lookAgain.ts'
import type { Survey } from '../../src/run/survey.ts'

const none = { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null }
const running = { aborted: false }

describe('what is left of the limits', () => {
  const begun = 1_000_000
  /** The first look took 100 s and planned 2 snapshots of 500 bytes together. */
  const first = { plan: { snapshots: [0, 1], restoreBytes: 500 }, checkedAtMs: begun + 100_000 } as unknown as Survey
  const at = (seconds: number, limits: Partial<typeof none> | Record<string, number>) =>
    limitsLeft({ ...none, ...limits }, first, begun, begun + seconds * 1000)

  test.each([
    ['no limit', {}, 500, { limits: none, restores: true }],
    [
      'time for a look as long again, twice',
      { durationSeconds: 760 },
      500,
      { limits: { durationSeconds: 260 }, restores: true },
    ],
    ['too little time', { durationSeconds: 759 }, 500, null],
    ['time that is over', { durationSeconds: 400 }, 500, null],
    ['snapshots', { snapshots: 5 }, 500, { limits: { snapshots: 3 }, restores: true }],
    ['no snapshot', { snapshots: 2 }, 500, { limits: { snapshots: 1 }, restores: false }],
    ['bytes', { restoreBytes: 600 }, 500, { limits: { restoreBytes: 100 }, restores: true }],
    ['no byte', { restoreBytes: 500 }, 500, { limits: { restoreBytes: 1 }, restores: false }],
  ] as const)('%s', (_, limits, seconds, expected) => {
    const left = at(seconds, limits)
    if (expected === null) expect(left).toBeNull()
    else expect(left).toMatchObject(expected)
  })
})

type Marks = Partial<Record<'catalogue' | 'presence' | 'byteProof', readonly [VerdictValue, Reason]>>
/** Snapshots by name, which is their uuid too. */
function look(snapshots: Readonly<Record<string, Marks>>, more: object = {}): Survey {
  const names = Object.keys(snapshots)
  const mark = (of: readonly [VerdictValue, Reason]) => ({ verdict: of[0], reason: of[1] })
  return {
    catalogue: { repositoryData: { snapshots: names.map(uuid => ({ uuid })) } },
    checked: {
      findings: [],
      snapshots: names.map((name, snapshot) => {
        const { catalogue = ['pass', 'proven'], presence = ['pass', 'proven'], byteProof } = snapshots[name] ?? {}
        const bytes = byteProof === undefined ? {} : { byteProof: mark(byteProof) }
        return { snapshot, catalogue: mark(catalogue), presence: mark(presence), ...bytes }
      }),
    },
    contents: [],
    plan: { snapshots: [], groups: [], left: [], debt: [], restoreBytes: 0 },
    ...more,
  } as unknown as Survey
}

describe('a second look', () => {
  const open = ['inconclusive', 'limit-reached'] as const
  const first = { a: {}, b: { byteProof: ['pass', 'proven'] as const } }
  test.each([
    ['sees all and something new', { b: first.b, c: {} }, true],
    ['has not read the bytes of what is new', { ...first, c: { byteProof: open } }, true],
    ['was not asked of bytes before', { ...first, a: { byteProof: open } }, true],
    ['did not get to an old one', { ...first, a: { presence: open } }, false],
    ['did not get to a new one', { ...first, c: { catalogue: ['inconclusive', 'not-read'] as const } }, false],
    ['met a writer', { ...first, a: { presence: ['inconclusive', 'repository-moved'] as const } }, false],
    ['does not know of bytes what was known', { a: {}, b: { byteProof: open } }, false],
    ['finds an old one failing', { ...first, a: { presence: ['fail', 'found'] as const } }, true],
    ['finds a new one in progress', { ...first, c: { catalogue: ['inconclusive', 'in-progress'] as const } }, true],
  ] as const)('%s: %s', (_, newer, counts) => {
    expect(seesAsMuch(look(newer), look(first))).toBe(counts)
  })

  it('may leave open what was open before', () => {
    const both = { a: { presence: open }, b: { byteProof: open } }
    expect(seesAsMuch(look(both), look(both))).toBe(true)
  })
})

describe('both looks', () => {
  const finding = (code: Finding['code'], key: string, ...snapshots: string[]) =>
    makeFinding({ code, key, snapshots, index: 'i', shard: 0, message: `${code} ${key}` })
  const content = (contentId: string, proof: unknown) => ({ indexId: 'i', contentId, proof, lastInconclusive: null })
  const lookOf = (survey: Survey, work: readonly Finding[], trouble: string | null, verdicts: VerdictValue[]): Look =>
    ({
      survey,
      restores: verdicts,
      restored: {
        attempts: verdicts.map(verdict => ({ judgement: { verdict } })),
        work: { findings: work, left: [], bytesFetched: 1, failure: null },
        trouble,
      },
      settled: { finalGeneration: 2, expired: new Set(), arrived: new Set(), trouble: null },
    }) as unknown as Look
  const withFindings = (survey: Survey, findings: readonly Finding[]): Survey => ({
    ...survey,
    checked: { ...survey.checked, findings },
  })

  it('are one: positions and verdicts of the second, proofs and forecast from before', () => {
    const one = look({ old: {}, gone: {} }, { contents: [content('x', null)], forecast: 'first' })
    const first = lookOf({ ...one, plan: { ...one.plan, snapshots: [0, 1], restoreBytes: 5 } }, [], null, ['pass'])
    const two = look(
      { new: {}, old: {} },
      { contents: [content('x', 'proven'), content('y', 'older')], forecast: 'second' },
    )
    const second = lookOf({ ...two, plan: { ...two.plan, snapshots: [0], restoreBytes: 7 } }, [], null, [
      'pass',
      'fail',
    ])
    const { survey, restores, restored, settled } = joinLooks(first, second, running)
    expect(survey.contents.map(({ proof }) => proof)).toEqual([null, 'older'])
    expect([survey.forecast, survey.plan.restoreBytes, survey.catalogue]).toEqual(['first', 12, two.catalogue])
    // `old` was chosen first, `new` second; `gone` is no more.
    expect([...survey.plan.snapshots].sort()).toEqual([0, 1])
    expect([restores, restored.work.bytesFetched, settled]).toEqual([['pass', 'pass', 'fail'], 2, second.settled])
  })

  it('tell an error that only the first one found, for the snapshots that are still there', () => {
    const bad = finding('corrupt-data-blob', 'a', 'old', 'gone')
    const twice = finding('missing-data-blob', 'b', 'old')
    const first = withFindings(look({ old: {}, gone: {} }), [
      bad,
      twice,
      finding('wrong-length', 'c', 'gone'),
      finding('shard-generation-missing', 'd', 'old'),
    ])
    const met = finding('corrupt-data-blob', 'e', 'old')
    const again = { ...met, snapshots: ['new'] }
    const second = withFindings(look({ old: {}, new: {} }), [twice])
    const { restored } = joinLooks(lookOf(first, [met], null, []), lookOf(second, [again], null, []), running)
    expect(restored.work.findings.map(({ key, snapshots }) => [key, snapshots])).toEqual([
      ['a', ['old']],
      ['e', ['old', 'new']],
    ])
  })

  it('did their work when the first one did, unless the run was stopped', () => {
    const first = lookOf(look({ a: {} }), [], null, ['pass'])
    const idle = lookOf(look({ a: {} }), [], null, [])
    const stuck = lookOf(look({ a: {}, b: {} }), [], 'no engine', ['inconclusive'])
    expect(joinLooks(first, stuck, running).restored.trouble).toBeNull()
    expect(joinLooks(idle, stuck, running).restored.trouble).toBe('no engine')
    expect(joinLooks(first, stuck, { aborted: true }).restored.trouble).toBe('no engine')
  })
})
