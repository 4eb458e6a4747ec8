import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { basePrefix, compareKeys, keyProblem, printableKey } from '../../src/blobs/keys.ts'

describe('keys', () => {
  it('orders keys as their UTF-8 bytes do', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 })
    fc.assert(
      fc.property(text, text, text, (shared, a, b) => {
        const expected = Buffer.compare(Buffer.from(shared + a), Buffer.from(shared + b))
        expect(Math.sign(compareKeys(shared + a, shared + b))).toBe(expected)
      }),
      { seed: 11, numRuns: 5_000 },
    )
    expect(compareKeys('\ufffd', '\u{1f600}')).toBeLessThan(0)
  })

  it('lets no key out of its folder', () => {
    const segment = fc.constantFrom('', '.', '..', 'a', '...', '..a', 'a..', '\0', 'ü')
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), segments => {
        const isBad = segments.some(s => s === '' || s === '.' || s === '..' || s === '\0')
        expect(keyProblem(segments.join('/')) !== null).toBe(isBad)
      }),
      { seed: 11, numRuns: 2_000 },
    )
    expect(keyProblem('k'.repeat(1_024))).toBeNull()
    expect(keyProblem('ü'.repeat(513))).toContain('1024 bytes')
  })

  it('puts a base path before keys as Elasticsearch does', () => {
    expect(['', '/', 'a', '/a', '//a/b', 'a/b/', 'a//b//'].map(basePrefix)).toEqual([
      '',
      '',
      'a/',
      'a/',
      'a/b/',
      'a/b/',
      'a//b//',
    ])
  })

  it('shows a key on one line, without anything that moves a cursor', () => {
    expect(printableKey('a\n\u001b[31m\u009b\u202e"ü')).toBe('a\\n\\u001b[31m\\u009b\\u202e\\"ü')
    expect(printableKey('x'.repeat(1_000))).toHaveLength(200)
  })
})
