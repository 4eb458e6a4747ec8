import { expect, test } from 'vitest'
import { bytesText, countText, secondsText, tableText } from '../../src/cli/words.ts'

test.each([
  [null, '-'],
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [3000 * 1024 ** 5, '3000.0 PiB'],
])('%s bytes: %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

test.each([
  [0, '0 s'],
  [0.2, '1 s'],
  [90, '2 min'],
  [7200, '2.0 h'],
])('%s seconds: %s', (seconds, text) => {
  expect(secondsText(seconds)).toBe(text)
})

test('an unknown count is not zero', () => {
  expect(countText(null)).toBe('-')
  expect(countText(1_234_567)).toBe('1,234,567')
})

test('a table lines up, and a name cannot move the cursor', () => {
  expect(
    tableText([
      ['A', 'B'],
      ['long', 'x'],
    ]),
  ).toBe('A     B\nlong  x')
  expect(tableText([['\u001b[2Jgone']])).not.toContain('\u001b')
  expect(tableText([])).toBe('')
})
