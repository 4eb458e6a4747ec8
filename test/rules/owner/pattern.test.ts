import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matcher } from '../../../src/rules/owner/pattern.ts'

test.each([
  ['logs-*', 'logs-1', true],
  ['logs-*', 'xlogs-1', false],
  ['*', '', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-c-b-c', true],
  ['a*b*c', 'a-c-c', false],
  ['*.kibana*', '.kibana_1', true],
  ['a.c', 'abc', false],
  ['(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', false],
])('%s and %s: %s', (pattern, name, expected) => {
  expect(matcher([pattern])(name)).toBe(expected)
})

test('is what the regular expression says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
  fc.assert(
    fc.property(text, name, (pattern, value) => {
      const expression = new RegExp(`^${pattern.split('*').join('.*')}$`)
      expect(matcher([pattern])(value)).toBe(expression.test(value))
    }),
    { seed: 5 },
  )
})
