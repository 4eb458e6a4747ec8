/** From proofs to verdicts: what counts, for whom, for how long, and what rolls up. */
import { describe, expect, test } from 'vitest'
import { makeFinding } from '../../src/check/findings.ts'
import type { ContentRecord } from '../../src/model/plan.ts'
import { judgeSnapshots, lastGoodOf, type VerdictInput, verdictRows } from '../../src/run/verdicts.ts'
import { checkedCopy, checkedSnapshot, checkResult, verdictInput } from '../support/checked.ts'
import { content, dailySnapshots, dayMs, nowMs, proof, repositoryOf, snapshotEntry } from '../support/contents.ts'
import { snapshotInfo } from '../support/records.ts'

const entries = dailySnapshots(2)

/** `verdict reason` of the only index at `restore`, by snapshot. */
function restores(contents: readonly ContentRecord[], change: Partial<VerdictInput> = {}): string[] {
  return judgeSnapshots(verdictInput(entries, contents, change)).map(({ copies, levels }) => {
    const [copy] = copies
    expect(copy?.levels.restore.mark).toEqual(levels.restore.mark)
    return `${levels.restore.mark.verdict} ${levels.restore.mark.reason}`
  })
}
const shared = (change: Partial<ContentRecord> = {}) => content({ snapshots: [0, 1], ...change })

describe('proofs', () => {
  test('of this run, of an earlier one, and credit for the other snapshot', () => {
    expect(restores([shared({ proof: proof({ runId: 'run-now' }) })])).toEqual(['pass proven', 'pass credited'])
    expect(restores([shared({ proof: proof() })])).toEqual(['pass remembered', 'pass credited'])
  })
  test('credit names the snapshot and the time of the restore', () => {
    const judged = judgeSnapshots(verdictInput(entries, [shared({ proof: proof() })]))
    expect(judged.map(({ copies }) => copies[0]?.levels.restore.creditedFrom)).toEqual([null, 'snapshot-0'])
    expect(judged[1]?.copies[0]?.levels.restore.provenMs).toBe(nowMs - dayMs)
  })
  test('no credit for a snapshot that the content does not name', () => {
    expect(restores([content({ snapshots: [0], proof: proof() })])).toEqual([
      'pass remembered',
      'inconclusive not-read',
    ])
  })
  test('never proven, lapsed, without a witness, too old', () => {
    expect(restores([shared()])[0]).toBe('inconclusive not-yet-verified')
    expect(restores([shared({ proof: proof({ witness: 'before' }) })])[0]).toBe('inconclusive lapsed')
    expect(restores([shared({ witness: null, proof: proof() })])[0]).toBe('inconclusive lapsed')
    expect(restores([shared({ proof: proof({ provenMs: nowMs - 181 * dayMs }) })])[0]).toBe('inconclusive too-old')
    expect(restores([shared({ proof: proof({ provenMs: nowMs - 179 * dayMs }) })])[0]).toBe('pass remembered')
  })
  test('failed in this run, failed before and never cured, whatever changed since', () => {
    const failed = (change = {}) => proof({ verdict: 'fail', reason: 'found', ...change })
    expect(restores([shared({ proof: failed({ runId: 'run-now' }) })])).toEqual(['fail found', 'fail found'])
    expect(restores([shared({ proof: failed() })])).toEqual(['fail failed-before', 'fail failed-before'])
    expect(restores([shared({ proof: failed({ witness: 'before' }) })])).toEqual([
      'fail failed-before',
      'fail failed-before',
    ])
    expect(restores([shared({ proof: failed({ provenMs: nowMs - 900 * dayMs }) })])).toEqual([
      'fail failed-before',
      'fail failed-before',
    ])
  })
  test('what this run met or left says why', () => {
    const met = { atMs: nowMs, reason: 'engine-died', runId: 'run-now' } as const
    expect(restores([shared({ lastInconclusive: met })])[0]).toBe('inconclusive engine-died')
    expect(restores([shared({ lastInconclusive: { ...met, runId: 'run-before' } })])[0]).toBe(
      'inconclusive not-yet-verified',
    )
    const left = new Map([['INDEX-LOGS content-a', 'limit-reached' as const]])
    expect(restores([shared()], { left })[0]).toBe('inconclusive limit-reached')
  })
})

test('what no engine tried can restore is not applicable, whatever was left; a proof speaks before it, a fail too', () => {
  const asked = (change = {}) =>
    shared({ lastInconclusive: { atMs: nowMs, reason: 'system-index', runId: 'run-before' }, ...change })
  const left = new Map([['INDEX-LOGS content-a', 'limit-reached' as const]])
  const old = { proof: proof({ provenMs: nowMs - 181 * dayMs }) }
  expect(restores([asked()], { left })).toEqual(['not-applicable system-index', 'not-applicable system-index'])
  expect(restores([asked({ proof: proof() })])[0]).toBe('pass remembered')
  expect(restores([asked(old)])[0]).toBe('not-applicable system-index')
  expect(restores([asked({ proof: proof({ verdict: 'fail', reason: 'found' }) })])[0]).toBe('fail failed-before')
})

describe('bytes', () => {
  const bytes = (change: Partial<ContentRecord>) => {
    const { mark, method } = judgeSnapshots(verdictInput(entries, [shared(change)]))[0]?.levels.bytes ?? {}
    return [mark?.verdict, mark?.reason, method]
  }
  test('are proven by a restore, which reads them all', () => {
    expect(bytes({ proof: proof({ runId: 'run-now' }) })).toEqual(['pass', 'proven', 'read'])
  })
  test('are too old after their own time, which is shorter than that of restores', () => {
    expect(bytes({ proof: proof({ provenMs: nowMs - 89 * dayMs }) })[0]).toBe('pass')
    expect(bytes({ proof: proof({ provenMs: nowMs - 91 * dayMs }) })).toEqual(['inconclusive', 'too-old', null])
  })
  test('of a restore that failed are not proven, of a bad blob fail', () => {
    expect(bytes({ proof: proof({ verdict: 'fail', reason: 'found' }) })[0]).toBe('inconclusive')
    expect(bytes({ proof: proof({ verdict: 'fail', reason: 'lower-level-failed' }) })[0]).toBe('fail')
  })
})

describe('lower levels', () => {
  const found = { verdict: 'fail', reason: 'found' } as const
  const open = { verdict: 'inconclusive', reason: 'store-unavailable' } as const
  const withCopy = (change: Parameters<typeof checkedCopy>[1]) =>
    verdictInput(entries, [shared({ proof: proof() })], {
      checked: checkResult([checkedSnapshot(0, [checkedCopy(0, change)]), checkedSnapshot(1)]),
    })
  test.each([
    ['presence', { presence: found }, 'fail', 'lower-level-failed'],
    [
      'catalogue',
      { catalogue: found, presence: { verdict: 'fail', reason: 'lower-level-failed' } },
      'fail',
      'lower-level-failed',
    ],
    ['open presence', { presence: open }, 'inconclusive', 'store-unavailable'],
    ['open catalogue', { catalogue: open, presence: open }, 'inconclusive', 'store-unavailable'],
    ['an obstacle', { obstacle: 'count-unknown' }, 'inconclusive', 'count-unknown'],
    ['a mounted index', { obstacle: 'mounted' }, 'not-applicable', 'mounted'],
  ] as const)('%s beats any proof', (_, change, verdict, reason) => {
    const [judged] = judgeSnapshots(withCopy(change))
    expect(judged?.levels.restore.mark).toEqual({ verdict, reason })
    expect(judged?.levels.bytes.mark.verdict).not.toBe('pass')
  })
})

describe('whole snapshots', () => {
  const two = (second: Partial<ContentRecord>, copy = {}) =>
    judgeSnapshots(
      verdictInput(
        entries,
        [
          shared({ proof: proof({ provenMs: nowMs - 5 * dayMs }) }),
          shared({ contentId: 'b', indexId: 'J', ...second }),
        ],
        {
          checked: checkResult(
            [0, 1].map(position =>
              checkedSnapshot(position, [
                checkedCopy(position),
                checkedCopy(position, { index: 1, indexName: 'more', indexId: 'J', contentId: 'b', ...copy }),
              ]),
            ),
          ),
        },
      ),
    )[0]?.levels.restore

  test.each([
    ['pass', { proof: proof() }, {}],
    ['inconclusive', {}, {}],
    ['fail', { proof: proof({ verdict: 'fail' }) }, {}],
    ['pass', {}, { obstacle: 'mounted' }],
  ] as const)('%s', (verdict, second, copy) => {
    expect(two(second, copy)?.mark.verdict).toBe(verdict)
  })
  test('the time is that of the oldest proof, the reason that of the weakest', () => {
    expect(two({ proof: proof({ runId: 'run-now', provenMs: nowMs }) })).toMatchObject({
      mark: { verdict: 'pass', reason: 'remembered' },
      provenMs: nowMs - 5 * dayMs,
    })
  })
  test('nothing passed is not a pass', () => {
    const input = verdictInput(entries, [], { checked: checkResult([checkedSnapshot(0, []), checkedSnapshot(1, [])]) })
    expect(judgeSnapshots(input)[0]?.levels.restore.mark.verdict).toBe('not-applicable')
  })
  test.each([
    ['partial-at-source', 'inconclusive'],
    ['failed-at-source', 'not-applicable'],
  ] as const)('%s never passes', (obstacle, verdict) => {
    const checked = checkResult([checkedSnapshot(0, undefined, { obstacle }), checkedSnapshot(1)])
    const [judged] = judgeSnapshots(verdictInput(entries, [shared({ proof: proof() })], { checked }))
    expect(judged?.levels.restore.mark).toEqual({ verdict, reason: obstacle })
  })
  test('that went away meanwhile are expired at every level', () => {
    const expired = new Set([entries[0]?.uuid ?? ''])
    const [gone] = judgeSnapshots(verdictInput(entries, [shared({ proof: proof({ verdict: 'fail' }) })], { expired }))
    expect(Object.values(gone?.levels ?? {}).map(level => level.mark.reason)).toEqual([
      'expired',
      'expired',
      'expired',
      'expired',
    ])
    expect(gone?.copies).toEqual([])
  })
})

describe('bytes that the check read, or could not', () => {
  const good = { verdict: 'pass', reason: 'proven', method: 'read' } as const
  const limit = { verdict: 'inconclusive', reason: 'limit-reached' } as const
  const judgedWith = (...copies: Parameters<typeof checkedCopy>[1][]) =>
    judgeSnapshots(
      verdictInput(entries, [shared({ proof: proof() })], {
        checked: checkResult([
          checkedSnapshot(
            0,
            copies.map((change, index) => checkedCopy(0, { index, ...change })),
          ),
          checkedSnapshot(1),
        ]),
      }),
    )[0]
  const system = { indexName: '.sys', indexId: 'S', contentId: 's', obstacle: 'system-index' } as const

  test('an index that no restore proves and that nobody got to read keeps the bytes of its snapshot open', () => {
    const left = judgedWith({ byteProof: good }, { ...system, byteProof: limit })
    expect(left?.copies[1]?.levels.bytes.mark).toEqual(limit)
    expect(left?.levels.bytes.mark).toEqual(limit)
    expect(left?.levels.restore.mark.verdict).toBe('pass')
    expect(judgedWith({ byteProof: good }, { ...system, byteProof: good })?.levels.bytes.mark.verdict).toBe('pass')
    // Nobody asked for it.
    expect(judgedWith({ byteProof: good }, system)?.levels.bytes.mark.verdict).toBe('pass')
  })
  test('a limit takes nothing from what a restore has read', () => {
    expect(judgedWith({ byteProof: limit })?.levels.bytes.mark.verdict).toBe('pass')
  })
  test('wrong bytes that accuse nobody because the repository moved do not pass by an old restore', () => {
    const moved = { verdict: 'inconclusive', reason: 'repository-moved' } as const
    const levels = judgedWith({ byteProof: moved })?.levels
    expect([levels?.bytes.mark, levels?.restore.mark]).toEqual([moved, moved])
  })
  test('bytes that differ from look to look are not those that a restore read', () => {
    const unstable = { verdict: 'inconclusive', reason: 'unstable-read' } as const
    expect(judgedWith({ byteProof: unstable })?.levels.bytes.mark).toEqual(unstable)
  })
  test('the whole passes by the weakest method', () => {
    const recorded = { ...good, method: 'store-recorded', provenMs: nowMs } as const
    const levels = judgedWith({ byteProof: { ...good, provenMs: nowMs } }, { ...system, byteProof: recorded })?.levels
    expect(levels?.bytes.method).toBe('store-recorded')
  })
  test('a part that cannot be verified here keeps the whole from passing', () => {
    const nowhere = { verdict: 'not-applicable', reason: 'not-verifiable-here' } as const
    const levels = judgedWith({ byteProof: good }, { ...system, byteProof: nowhere })?.levels
    expect(levels?.bytes.mark.verdict).toBe('not-applicable')
  })
})

describe('a blob that the work found bad', () => {
  const bad = makeFinding({
    code: 'corrupt-data-blob',
    key: 'indices/INDEX-LOGS/0/__a',
    snapshots: ['UUID-1'],
    index: 'logs',
    shard: 0,
    message: 'CRC',
  })
  test('fails exactly the copies that it names, whatever was proven', () => {
    const judged = judgeSnapshots(verdictInput(entries, [shared({ proof: proof() })], { workFindings: [bad] }))
    expect(judged.map(({ levels }) => [levels.bytes.mark, levels.restore.mark])).toEqual([
      [
        { verdict: 'pass', reason: 'remembered' },
        { verdict: 'pass', reason: 'remembered' },
      ],
      [
        { verdict: 'fail', reason: 'found' },
        { verdict: 'fail', reason: 'lower-level-failed' },
      ],
    ])
  })
  test('about a whole snapshot fails all of it', () => {
    const root = makeFinding({ ...bad, key: 'snap-UUID-1.dat', index: null, shard: null })
    const judged = judgeSnapshots(verdictInput(entries, [shared({ proof: proof() })], { workFindings: [root] }))
    expect(judged.map(({ levels }) => levels.restore.mark.verdict)).toEqual(['pass', 'fail'])
  })
  test('a warning fails nobody', () => {
    const judged = judgeSnapshots(
      verdictInput(entries, [shared({ proof: proof() })], { workFindings: [{ ...bad, severity: 'warning' }] }),
    )
    expect(judged[1]?.levels.restore.mark.verdict).toBe('pass')
  })
})

describe('rows', () => {
  const judged = judgeSnapshots(verdictInput(entries, [content({ snapshots: [0], proof: proof({ verdict: 'fail' }) })]))
  test('one for each snapshot and level, and those of indices', () => {
    const rows = verdictRows(judged, 100)
    expect(rows.filter(row => row.index === null)).toHaveLength(8)
    expect(rows).toContainEqual({
      snapshot: 'snapshot-0',
      uuid: 'UUID-0',
      index: 'logs',
      level: 'restore',
      verdict: 'fail',
      reason: 'failed-before',
      method: 'restore',
      provenAt: new Date(nowMs - dayMs).toISOString(),
      creditedFrom: null,
    })
  })
  test('a bound leaves out what does not fail, never what fails', () => {
    const rows = verdictRows(judged, 0).filter(row => row.index !== null)
    expect(rows.map(row => row.verdict)).toEqual(['fail'])
  })
})

describe('the last good snapshot', () => {
  const lastGood = (contents: readonly ContentRecord[], change: Partial<VerdictInput> = {}, snapshots = entries) => {
    const input = verdictInput(snapshots, contents, change)
    return lastGoodOf(judgeSnapshots(input), input.repository).map(({ index, snapshot, level }) => [
      index,
      snapshot,
      level,
    ])
  }
  test('is the newest that was restored, else the newest that is there', () => {
    expect(lastGood([shared({ proof: proof() })])).toEqual([['logs', 'snapshot-1', 'restore']])
    expect(
      lastGood([content({ snapshots: [0], proof: proof() }), content({ contentId: 'b', snapshots: [1] })]),
    ).toEqual([['logs', 'snapshot-0', 'restore']])
    expect(lastGood([shared()])).toEqual([['logs', 'snapshot-1', 'presence']])
  })
  test('is none where none is good', () => {
    const bad = { verdict: 'fail', reason: 'found' } as const
    const checked = checkResult([0, 1].map(i => checkedSnapshot(i, [checkedCopy(i, { presence: bad })])))
    expect(lastGood([], { checked })).toEqual([['logs', null, 'restore']])
  })
  test('is none where the data is there and known to be bad, by this run or one before', () => {
    const failed = { verdict: 'fail', reason: 'lower-level-failed' } as const
    for (const runId of ['run-now', 'run-before']) {
      expect(lastGood([shared({ proof: proof({ ...failed, runId }) })])).toEqual([['logs', null, 'restore']])
    }
    const blob = { code: 'corrupt-data-blob', key: 'indices/I/0/__x', index: 'logs', shard: 0, message: '' } as const
    const workFindings = [makeFinding({ ...blob, snapshots: ['UUID-1'] })]
    expect(lastGood([shared({ proof: proof() })], { workFindings })).toEqual([['logs', 'snapshot-0', 'restore']])
    expect(lastGood([shared()], { workFindings })).toEqual([['logs', 'snapshot-0', 'presence']])
  })
  test('is never one of a snapshot that is gone', () => {
    expect(lastGood([shared({ proof: proof() })], { expired: new Set(['UUID-1']) })).toEqual([
      ['logs', 'snapshot-0', 'restore'],
    ])
  })
  test('is told by the snapshot itself where index-N does not say when it ended', () => {
    const silent = [0, 1].map(position => snapshotEntry(position, { endedMs: null }))
    const checked = checkResult([
      checkedSnapshot(0, undefined, { info: snapshotInfo(0, { endedMs: nowMs }) }),
      checkedSnapshot(1, undefined, { info: snapshotInfo(1, { endedMs: nowMs - dayMs }) }),
    ])
    const input = verdictInput(silent, [shared({ proof: proof() })], {
      checked,
      repository: repositoryOf(silent, ['logs']),
    })
    expect(lastGoodOf(judgeSnapshots(input), input.repository)).toMatchObject([
      { snapshot: 'snapshot-0', endedAt: new Date(nowMs).toISOString() },
    ])
  })
})
