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
const shown = (change: Partial<RestoreTime>) => String(restoreTimeSection({ restoreTime: { ...measured, ...change } }))

describe('against the target', () => {
  test.each([
    ['the slow end counts', { targetSeconds: 4000 }, 'the slow end of the forecast keeps it'],
    ['a slow end beyond it', { targetSeconds: 3999 }, 'the slow end of the forecast misses it'],
    ['all beyond it', { targetSeconds: 2999 }, 'the forecast misses it'],
    [
      'no slow end, kept',
      { targetSeconds: 3000, projection: { ...projection, slowest: null } },
      'the forecast keeps it',
    ],
    [
      'no slow end, missed',
      { targetSeconds: 2999, projection: { ...projection, slowest: null } },
      'the forecast misses it',
    ],
    ['no complete snapshot', { targetSeconds: 4000, projection: null }, 'nothing is forecast'],
    ['none', { targetSeconds: null }, 'No target was set'],
    ['an older run', {}, 'No target was set'],
  ])('%s', (_, change, words) => {
    expect(shown(change)).toContain(words)
  })
  test('what is missed is not marked as kept', () => {
    expect(shown({ targetSeconds: 3999 })).not.toContain('keeps it')
    expect(shown({ targetSeconds: 4000 })).not.toContain('misses it')
  })
})

test('nothing restored, nothing said', () => {
  expect(restoreTimeSection({ restoreTime: null })).toBeNull()
})
