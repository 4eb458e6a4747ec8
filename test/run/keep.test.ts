import { describe, expect, test } from 'vitest'
import { keepMilliseconds, keepOpen } from '../../src/cli/keepOpen.ts'
import { silentLog } from '../../src/log.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import type { Attempt } from '../../src/run/attempt.ts'
import { KeptRestores, keepInstructions } from '../../src/run/keep.ts'
import { expectation, goodEvidence } from '../support/evidence.ts'
import { fakeClock, fakeEngine } from '../support/fakes.ts'

const expected = expectation()

function attempt(verdict: 'pass' | 'fail' | 'inconclusive', evidence: Partial<Evidence> | null = {}): Attempt {
  return {
    planned: { content: { indexName: 'logs', indexId: 'LOGS' } } as Attempt['planned'],
    engine: 'nine',
    number: 2,
    atMs: 0,
    sharedWith: [],
    judgement: {
      verdict,
      reason: verdict === 'fail' ? 'found' : 'engine-lacks',
      message: 'shard 0: no',
      finding: null,
    },
    expected,
    evidence: evidence === null ? null : goodEvidence(expected, evidence),
    seconds: { mirror: 0, restore: 0, questions: 0 },
  }
}

function listening() {
  const lines: string[] = []
  const log = { ...silentLog, info: (line: string) => void lines.push(line), clear: () => {} }
  const abort = new AbortController()
  return { lines, abort, context: { environment: {}, clock: fakeClock(), log, signal: abort.signal, print: () => {} } }
}

describe('what is kept', () => {
  test('is what was restored, is final and did not pass, a few of them', () => {
    const keep = new KeptRestores()
    const engine = fakeEngine('nine')
    const other = fakeEngine('eight')
    expect(keep.take(engine, attempt('pass'))).toBe(false)
    expect(keep.take(engine, attempt('fail', null))).toBe(false)
    expect(keep.holds(engine)).toBe(false)
    expect(keep.take(engine, attempt('fail'))).toBe(true)
    expect(keep.take(engine, attempt('inconclusive'))).toBe(true)
    expect([keep.holds(engine), keep.holds(other)]).toEqual([true, false])
    expect([keep.holdsIndex('LOGS'), keep.holdsIndex('OTHERS')]).toEqual([true, false])
    for (let i = 0; i < 5; i++) keep.take(engine, attempt('fail'))
    expect(keep.list).toHaveLength(4)
    other.die('SIGKILL')
    expect(new KeptRestores().take(other, attempt('fail'))).toBe(false)
  })

  test('is stopped at the end', async () => {
    const keep = new KeptRestores()
    const engine = fakeEngine('nine')
    keep.take(engine, attempt('fail'))
    await keep.close()
    expect(engine.stopped).toBe(true)
    expect(keep.list).toEqual([])
  })
})

test('the instructions name the server, the index, the words, and when it ends', () => {
  const engine = { ...fakeEngine('nine'), url: 'http://127.0.0.1:4711' }
  const refusal = { status: 500, type: 'x', reason: 'no' }
  const text = keepInstructions(
    [
      { engine, attempt: attempt('fail', { target: 'snapproof-1' }) },
      { engine, attempt: attempt('fail', { refusal }) },
    ],
    '2026-11-24T00:00:00.000Z',
  ).join('\n')
  expect(text).toContain('logs of nightly-1')
  expect(text).toContain('shard 0: no')
  expect(text).toContain("curl 'http://127.0.0.1:4711/_cat/shards/snapproof-1?v")
  expect(text).toContain('refused the restore')
  expect(text).toMatch(/until 2026-11-24T00:00:00.000Z; ends before with Ctrl-C/)
})

describe('the wait', () => {
  test('with nothing kept is none, and says so', async () => {
    const { lines, context } = listening()
    await keepOpen(new KeptRestores(), 3_600_000, context)
    expect(lines).toEqual([expect.stringContaining('nothing to look into')])
  })

  test('ends by itself at the deadline', async () => {
    const { lines, context } = listening()
    const keep = new KeptRestores()
    keep.take(fakeEngine('nine'), attempt('fail'))
    const start = context.clock.monotonicMs()
    await keepOpen(keep, 3_600_000, context)
    expect(context.clock.monotonicMs() - start).toBe(3_600_000)
    expect(lines.at(-1)).toContain('the time is over')
  })

  test('ends with Ctrl-C, and with the last server', async () => {
    const never = { sleep: (_: number, signal?: AbortSignal) => untilAborted(signal) }
    for (const end of ['Ctrl-C', 'death']) {
      const { lines, abort, context } = listening()
      const keep = new KeptRestores()
      let die = () => {}
      const died = new Promise<never>((_resolve, reject) => {
        die = () => reject(new Error('it ended'))
      })
      keep.take({ ...fakeEngine('nine'), died }, attempt('fail'))
      const wait = keepOpen(keep, 3_600_000, { ...context, clock: { ...context.clock, ...never } })
      if (end === 'Ctrl-C') abort.abort(new Error('Ctrl-C'))
      else die()
      await wait
      expect(lines.at(-1)).toContain(end === 'Ctrl-C' ? 'stopped' : 'the server has ended')
    }
  })
})

test('hours are a number above 0, at most a week', () => {
  expect(keepMilliseconds(0.5)).toBe(1_800_000)
  for (const hours of [0, -1, Number.NaN, 169]) expect(() => keepMilliseconds(hours)).toThrow(/--keep/)
})

function untilAborted(signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
