import { expect, test } from 'vitest'
import { depthOf } from '../../src/model/deep.ts'

test.each([
  ['elasticsearch', '7.17.28', 'structure'],
  ['elasticsearch', '8.19.0', 'structure'],
  ['elasticsearch', '9.0.0', 'checksums'],
  ['elasticsearch', '10.0.0', 'checksums'],
  ['opensearch', '2.19.1', 'structure'],
  ['opensearch', '3.3.0', 'checksums'],
])('CheckIndex of %s %s goes as far as %s', (product, version, depth) => {
  expect(depthOf({ product, version })).toBe(depth)
})
