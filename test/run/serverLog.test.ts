import { expect, test } from 'vitest'
import { logExcerpt } from '../../src/run/serverLog.ts'

const at = '[2026-11-23T20:06:08,909]'
const about = (target: string, level = 'WARN ') =>
  `${at}[${level}][o.e.i.c.IndicesClusterStateService] [snapproof] [${target}][0] marking and sending shard failed`

test('the entries about the restored index, with their causes and the first frames', () => {
  const frames = Array.from({ length: 50 }, (_, i) => `\tat org.elasticsearch.Some.method(Some.java:${i})`)
  const excerpt = logExcerpt(
    [
      `${at}[INFO ][o.e.n.Node] started`,
      about('other'),
      about('mine'),
      'org.elasticsearch.Failed: no',
      ...frames,
      'Caused by: org.apache.lucene.index.CorruptIndexException: checksum failed',
      ...frames,
      '\t... 12 more',
      `${at}[INFO ][o.e.n.Node] later`,
    ],
    'mine',
  )
  expect(excerpt).toHaveLength(9)
  expect(excerpt.join('\n')).not.toMatch(/other|later|started/)
  expect(excerpt[0]).toContain('[mine][0] marking')
  expect(excerpt[5]).toBe('Caused by: org.apache.lucene.index.CorruptIndexException: checksum failed')
})

test('nothing about it: warnings and errors; none of those: the last lines', () => {
  const started = `${at}[INFO ][o.e.n.Node] started`
  const full = `${at}[ERROR][o.e.b.Bootstrap] disk is full`
  expect(logExcerpt([started, full, '  more'], 'mine')).toEqual([full, '  more'])
  expect(logExcerpt([...Array(30).fill(started), 'last'], 'mine').length).toBe(11)
  expect(logExcerpt([], 'mine')).toEqual([])
})

test('it is bounded, and the newest stays', () => {
  const excerpt = logExcerpt([...Array(500).fill(about('mine')), `${about('mine')} ${'x'.repeat(9_000)} end`], 'mine')
  expect(excerpt.length).toBe(60)
  expect(excerpt.every(line => line.length <= 1_001)).toBe(true)
  expect(excerpt.at(-1)).toContain('xxx')
})

test('secrets are taken out, and nothing in it moves a terminal or turns the direction', () => {
  const [line = ''] = logExcerpt(
    [`${about('mine')} GET https://b/k?X-Amz-Signature=abcdef0123 AKIAABCDEFGHIJKLMNOP \u001b[2J\u202edorp\r\u0007`],
    'mine',
  )
  expect(line).not.toMatch(/abcdef0123|AKIAABCDEFGHIJKLMNOP/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  expect(line).not.toMatch(/[\u0000-\u001f\u202e]/)
  expect(line).toContain('[hidden]')
})
