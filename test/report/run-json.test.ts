import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSnapproofError } from '../../src/errors.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { sampleRun, sampleText } from '../support/runs.ts'

function refusal(text: string): string {
  try {
    parseRun(text)
  } catch (error) {
    if (isSnapproofError(error, 'usage')) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

/** Every path to a member of the value, as keys. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inner = Array.isArray(value)
    ? value.map((item, i) => pathsOf(item, [...path, i]))
    : Object.entries(value).map(([k, v]) => pathsOf(v, [...path, k]))
  return [path, ...inner.flat()]
}

function set(value: unknown, path: readonly (string | number)[], to: unknown): unknown {
  const [head, ...rest] = path
  if (head === undefined) return to
  if (Array.isArray(value)) return value.map((item, i) => (i === head ? set(item, rest, to) : item))
  return { ...(value as object), [head]: set((value as Record<string, unknown>)[head], rest, to) }
}

describe('run.json', () => {
  it('comes back as it was written', () => {
    expect(serializeRun(parseRun(sampleText))).toBe(sampleText)
    expect(parseRun(serializeRun(sampleRun()))).toEqual(sampleRun())
  })

  it('may hold more than this version knows', () => {
    const more = set(
      set(JSON.parse(sampleText), ['added'], { by: 'later' }),
      ['findings', 0, 'code'],
      'code-of-tomorrow',
    )
    expect(parseRun(JSON.stringify(more)).findings[0]?.code).toBe('code-of-tomorrow')
  })

  it('is refused when its schema is newer, with what to do', () => {
    expect(refusal(JSON.stringify({ ...sampleRun(), schemaVersion: 2 }))).toContain('schema version 2')
    expect(refusal(JSON.stringify({ ...sampleRun(), schemaVersion: '1' }))).toContain(
      'schemaVersion must be one of 1, got "1"',
    )
  })

  it('is refused when it is something else, with the place and the value', () => {
    expect(refusal(sampleText.slice(0, 500))).toContain('not JSON')
    expect(refusal('[]')).toContain('the document must be an object, got an array of 0')
    expect(refusal('null')).toContain('the document must be an object')
    const wrong = JSON.stringify(set(JSON.parse(sampleText), ['restores', 2, 'seconds', 'restore'], 'fast'))
    expect(refusal(wrong)).toContain('restores[2].seconds.restore must be a number of at least 0, got "fast"')
    expect(refusal(JSON.stringify(set(JSON.parse(sampleText), ['endedAt'], 'yesterday')))).toContain(
      'endedAt must be a time',
    )
    expect(refusal(JSON.stringify(set(JSON.parse(sampleText), ['verdicts', 0, 'verdict'], 'passed')))).toContain(
      'one of pass, fail',
    )
  })

  it('never lets a member of another type through', () => {
    const whole: unknown = JSON.parse(sampleText)
    const paths = pathsOf(whole).filter(path => path.length > 0)
    fc.assert(
      fc.property(fc.constantFrom(...paths), path => {
        // Nothing in a run may be a nested array of booleans.
        expect(refusal(JSON.stringify(set(whole, path, [[true]])))).toContain('must be')
      }),
      { seed: 20261123, numRuns: 400 },
    )
  })
})
