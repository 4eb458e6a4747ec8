import { expect, test } from 'vitest'
import { csvText } from '../../src/formats/csv.ts'

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@x', "'@x"],
  ['\tx', "'\tx"],
  ['\rx', '"\'\rx"'],
  ['=a,"b"', '"\'=a,""b"""'],
  ['a,b', '"a,b"'],
  ['two\nlines', '"two\nlines"'],
  ['a=b', 'a=b'],
  ['', ''],
])('the cell %j', (cell, text) => {
  expect(csvText(['a'], [{ a: cell }])).toBe(`a\r\n${text}`)
})

test('numbers are numbers, null is empty', () => {
  expect(csvText(['n', 'none'], [{ n: -3, none: null }, { n: 1.5 }])).toBe('n,none\r\n-3,\r\n1.5,')
})
