/** Texts that lie in a file until they are asked for. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { RowSpool } from '../../src/run/rowSpool.ts'

const folder = mkdtempSync(join(tmpdir(), 'snapproof-spool-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('every text is found again, in any order, while more come', () => {
  const spool = new RowSpool(folder)
  const text = (i: number) => `${i}-é${'x'.repeat(i % 997)}`
  for (let i = 0; i < 5000; i++) {
    expect(spool.append(text(i))).toBe(i)
    // What is still in memory, and what is not.
    const earlier = (i * 7919) % (i + 1)
    expect(spool.read(earlier)).toBe(text(earlier))
  }
  expect(spool.read(spool.append(''))).toBe('')
  expect(() => spool.read(5001)).toThrow(RangeError)
  expect(() => spool.read(-1)).toThrow(RangeError)
  spool.close()
  expect(readdirSync(folder)).toEqual([])
})
