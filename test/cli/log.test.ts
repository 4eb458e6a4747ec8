import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseLogStyle, createLog, type LogStyle, safeText } from '../../src/cli/log.ts'
import type { Clock } from '../../src/time.ts'

function setUp(style: LogStyle, columns = 80) {
  let ms = 0
  const clock: Clock = {
    nowMs: () => Date.UTC(2026, 0, 1) + ms,
    monotonicMs: () => ms,
    sleep: () => Promise.reject(new Error('a log never waits')),
  }
  const written: string[] = []
  const sink = { write: (text: string) => written.push(text), columns }
  return {
    log: createLog(style, sink, clock),
    written,
    text: () => written.join(''),
    json: () =>
      written
        .join('')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    pass: (more: number) => {
      ms += more
    },
  }
}

describe('chooseLogStyle', () => {
  test.each([
    [{ isTTY: true, environment: {} }, 'person'],
    [{ isTTY: true, environment: { TERM: 'dumb' } }, 'plain'],
    [{ isTTY: false, environment: {} }, 'plain'],
    [{ isTTY: true, environment: { CI: 'true' } }, 'json'],
    [{ isTTY: false, environment: { CI: '1' } }, 'json'],
    [{ isTTY: false, environment: { CI: 'false' } }, 'plain'],
    [{ isTTY: false, environment: { CI: '' } }, 'plain'],
    [{ isTTY: true, environment: { CI: 'true' }, flag: 'person' }, 'person'],
    [{ isTTY: true, environment: {}, flag: 'json' }, 'json'],
  ] as const)('%j → %s', (situation, style) => {
    expect(chooseLogStyle(situation)).toBe(style)
  })
})

describe('person', () => {
  test('one status line is rewritten, and lines go above it', () => {
    const { log, written } = setUp('person')
    log.info('started', { repository: 'production' })
    log.progress('reading', 1, 4, 'snapshots')
    log.warn('slow store')
    log.clear()
    log.info('done')
    expect(written).toEqual([
      'started repository=production\n',
      '\r\u001b[2Kreading: 1 of 4 snapshots (25 %)',
      '\r\u001b[2Kwarning: slow store\nreading: 1 of 4 snapshots (25 %)',
      '\r\u001b[2K',
      'done\n',
    ])
  })

  test('progress is rate limited, the last step is shown', () => {
    const { log, written, pass } = setUp('person')
    for (let done = 1; done <= 1000; done++) {
      log.progress('reading', done, 1000, 'blobs')
      pass(1)
    }
    expect(written).toHaveLength(11)
    expect(written.at(-1)).toMatch(/1,000 of 1,000 blobs \(100 %\)$/)
  })

  test('says rate and time left', () => {
    const { log, written, pass } = setUp('person')
    log.progress('mirror', 0, 100 * 2 ** 20, 'bytes')
    pass(2000)
    log.progress('mirror', 20 * 2 ** 20, 100 * 2 ** 20, 'bytes')
    expect(written.at(-1)).toMatch(/mirror: 20\.0 MiB of 100 MiB \(20 %\), 10\.0 MiB\/s, 8 s left$/)
    pass(1000)
    log.progress('mirror', 2 ** 20, null, 'bytes')
    expect(written.at(-1)).toMatch(/mirror: 1\.0 MiB$/)
    pass(10_000)
    log.progress('count', 0, 7300, 'blobs')
    pass(1000)
    log.progress('count', 1, 7300, 'blobs')
    expect(written.at(-1)).toMatch(/0 %\), 1\.0\/s, 2 h 2 min left$/)
  })

  test('the status line never wraps', () => {
    const { log, written, pass } = setUp('person', 30)
    log.progress('x'.repeat(30), 1, 2, 'blobs')
    expect(written).toEqual([`\r\u001b[2K${'x'.repeat(28)}…`])
    pass(1000)
    log.progress('索引'.repeat(30), 1, 2, 'blobs')
    const status = written[1]?.replace('\r\u001b[2K', '') ?? ''
    const width = [...status].reduce((sum, c) => sum + (c >= '\u1100' && c !== '…' ? 2 : 1), 0)
    expect(width).toBeLessThanOrEqual(29)
    expect(status.endsWith('…')).toBe(true)
  })
})

test('person: a terminal that does not know its width gets 80 columns', () => {
  const { log, text } = setUp('person', 0)
  log.progress('x'.repeat(100), 1, 2, 'blobs')
  expect(text()).toBe(`\r\u001b[2K${'x'.repeat(78)}…`)
})

describe('plain', () => {
  test('has no control character but the end of a line, and progress only now and then', () => {
    const { log, text, pass } = setUp('plain')
    for (let done = 0; done <= 90; done++) {
      log.progress('reading', done, 90, 'blobs')
      pass(1000)
    }
    log.clear()
    expect(text().replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(
      text()
        .split('\n')
        .map(line => /reading: (\d+)/.exec(line)?.[1]),
    ).toEqual(['0', '30', '60', '90', undefined])
  })
})

describe('json', () => {
  test('one object per line, with time and level', () => {
    const { log, json, pass } = setUp('json')
    log.info('started', { repository: 'production', snapshots: 2, level: 'x' })
    pass(1000)
    log.warn('slow')
    log.progress('reading', 5, null, 'blobs')
    log.progress('reading', 6, null, 'blobs')
    expect(json()).toEqual([
      {
        level: 'info',
        time: '2026-01-01T00:00:00.000Z',
        repository: 'production',
        snapshots: 2,
        level_: 'x',
        msg: 'started',
      },
      { level: 'warn', time: '2026-01-01T00:00:01.000Z', msg: 'slow' },
      {
        level: 'info',
        time: '2026-01-01T00:00:01.000Z',
        progress: 'reading',
        done: 5,
        total: null,
        unit: 'blobs',
        perSecond: null,
        secondsLeft: null,
        msg: 'progress',
      },
    ])
  })
})

describe('what is printed', () => {
  const styles = ['person', 'plain', 'json'] as const

  test.each(styles)('%s: hostile names cannot steer the terminal', style => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', '\u001b', '\n', '\r', '\u009b', '\u202e', '\u2028', '\u007f', '\ud800', '[2K'),
    })
    fc.assert(
      fc.property(hostile, name => {
        const { log, text } = setUp(style, 10_000)
        log.info(name, { [`k${name}`]: name })
        log.warn(name)
        log.progress(name, 1, 2, 'blobs')
        const own = text().replaceAll('\r\u001b[2K', '').replaceAll('\n', '')
        expect(own).not.toMatch(/[\p{Cc}\u202e\u2028\ud800]/u)
        expect(text().split('\n').length).toBe(style === 'person' ? 3 : 4)
      }),
      { seed: 20260101 },
    )
  })

  test.each(styles)('%s: secrets are taken out', style => {
    const { log, text } = setUp(style)
    log.info('GET https://dora:hunter2@minio/x', {
      sessionToken: 'hunter2',
      url: 'http://x:hunter2@y',
      id: 'AKIAABCDEFGHIJKLMNOP',
    })
    log.progress('reading s3://a:hunter2@b', 1, 2, 'blobs')
    expect(text()).toContain('[hidden]')
    expect(text()).not.toMatch(/hunter2|AKIA/)
  })

  test('what is harmless stays as it is', () => {
    expect(safeText('Ä 索引 — 1 € "x" \\n')).toBe('Ä 索引 — 1 € "x" \\n')
    expect(safeText('a\u001b[31m\nb\ud800')).toBe('a\\u{1b}[31m\\u{a}b\\u{d800}')
  })
})
