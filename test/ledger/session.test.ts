import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { memoryStore } from '../support/memoryStore.ts'
import { contentRow, newFolder, openTest, runRow, signal, snapshotRow, start, testClock } from './support.ts'

describe.each(['store', 'local'] as const)('a session with %s', kind => {
  test('remembers what was journalled, stored or not', async () => {
    const clock = testClock()
    const store = kind === 'store' ? memoryStore(() => clock.now) : null
    const file = join(newFolder(), 'deep', 'ledger.sqlite')
    const first = await openTest(store, clock, { file })
    expect(first.warnings).toEqual([])
    expect(first.firstRunMs()).toBeNull()
    expect(first.lastIdentity()).toBeNull()
    expect(first.contentHistory('i1', 'c1', null)).toEqual({ proof: null, lastInconclusive: null })
    await first.journal('run-a', [contentRow()], signal)
    await first.journal('run-a', [runRow(), snapshotRow()], signal)
    await first.store(signal)
    await first.journal('run-a', [contentRow({ contentId: 'c2' })], signal)
    await first.close()
    expect(store?.objects.has(ledgerKey) ?? true).toBe(true)

    clock.now += 1000
    const second = await openTest(store, clock, { file })
    expect(second.warnings).toEqual([])
    const proof = {
      verdict: 'pass',
      reason: 'proven',
      provenMs: start,
      witness: 'w1',
      runId: 'run-a',
      snapshot: 'nightly-1',
      snapshotUuid: 's1',
      method: 'restore',
      seconds: 1.5,
    }
    expect(second.contentHistory('i1', 'c1', null)).toEqual({ proof, lastInconclusive: null })
    expect(second.contentHistory('i1', 'c1', 's1').proof).toEqual(proof)
    expect(second.contentHistory('i1', 'c1', 's2').proof).toBeNull()
    expect(second.contentHistory('i2', 'c1', null).proof).toBeNull()
    expect(second.contentHistory('i1', 'c2', null).proof).toEqual(proof)
    expect(second.runs(10)).toEqual([runRow()])
    expect(second.snapshotHistory('s1')).toEqual([snapshotRow()])
    expect(second.recentPasses(10)).toEqual([contentRow(), contentRow({ contentId: 'c2' })])
    expect(second.firstRunMs()).toBe(start)
    expect(second.lastIdentity()).toEqual({ repositoryUuid: 'u1', clusterId: 'k1', generation: 7 })
    await second.close()
  })
})
