import { describe, expect, test } from 'vitest'
import type { RestoreTime } from '../../src/model/restoreTime.ts'
import { restoreTimeSection } from '../../src/report/restoreTime.ts'

const projection = {
  snapshot: 'nightly',
  indices: 2,
  bytes: 5e9,
  seconds: 3000,
  fastest: 2000,
  slowest: 4000,
  parallel: 1,
  assumptions: ['<script>'],
}
const measured: RestoreTime = {
  samples: 3,
  chained: 0,
  bytes: 1,
  phases: { fetch: null, restore: { seconds: 1, bytesPerSecond: 1 }, questions: { seconds: 1, bytesPerSecond: null } },
  projection,
}
const shown = (change: Partial<RestoreTime>) =>
  String(restoreTimeSection({ restoreTime: { ...measured, ...change } })).replaceAll(/<[^>]*>/g, '')

describe('against the target', () => {
  test.each([
    ['the slow end counts', { targetSeconds: 4000 }, 'kept by the slow end of the forecast'],
    ['a slow end beyond it', { targetSeconds: 3999 }, 'missed by the slow end of the forecast'],
    ['all beyond it', { targetSeconds: 2999 }, 'missed by the forecast'],
    [
      'no slow end, kept',
      { targetSeconds: 3000, projection: { ...projection, slowest: null } },
      'kept by the forecast',
    ],
    [
      'no slow end, missed',
      { targetSeconds: 2999, projection: { ...projection, slowest: null } },
      'missed by the forecast',
    ],
    ['no complete snapshot', { targetSeconds: 4000, projection: null }, 'nothing is forecast'],
    ['none', { targetSeconds: null }, 'No target was set'],
    ['an older run', {}, 'No target was set'],
  ])('%s', (_, change, words) => {
    expect(shown(change)).toContain(words)
  })
  test('what is missed is not marked as kept', () => {
    expect(shown({ targetSeconds: 3999 })).not.toContain('kept')
    expect(shown({ targetSeconds: 4000 })).not.toContain('missed')
  })
})

test('nothing restored, nothing said', () => {
  expect(restoreTimeSection({ restoreTime: null })).toBeNull()
})
