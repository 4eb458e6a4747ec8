/** Generated documentation is what the code says, and the code's tables are all shown. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { generatedFiles, generatedTables, markersIn, withTables } from '../infra/local/generate-docs.ts'
import { errorCodes, exitCodes } from '../src/errors.ts'
import { findingCodes } from '../src/model/finding.ts'
import { reasons } from '../src/model/verdict.ts'

const files = generatedFiles()
const tables = generatedTables()

test.each([...files])('%s is current (npx tsx infra/local/generate-docs.ts writes it)', (file, text) => {
  expect(existsSync(file) ? readFileSync(file, 'utf8') : null).toBe(text)
})

// The README is written last; until then there is nothing to be current.
test('README.md shows every generated table', () => {
  expect(markersIn(readFileSync('README.md', 'utf8')).sort()).toEqual([...tables.keys()].sort())
})

describe('tables', () => {
  test.each([
    ['findings', Object.keys(findingCodes)],
    ['reasons', Object.keys(reasons)],
    ['exit-codes', Object.keys(errorCodes)],
  ])('%s names every code of the code', (name, codes) => {
    const named = [...(tables.get(name) ?? '').matchAll(/`([\w-]+)`/g)].map(([, code]) => code)
    for (const code of codes) expect(named).toContain(code)
  })

  test('every exit code has one row', () => {
    const rows = [...(tables.get('exit-codes') ?? '').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(rows.sort((a, b) => a - b)).toEqual(Object.values(exitCodes).sort((a, b) => a - b))
  })

  test('every row has the columns of its head', () => {
    for (const table of tables.values()) {
      const columns = table.split('\n').map(line => line.replaceAll('\\|', '').split('|').length)
      expect(new Set(columns).size).toBe(1)
    }
  })
})

describe('withTables', () => {
  const one = new Map([['a', '| x |']])

  test('replaces what is between the markers and nothing else, again and again', () => {
    const text = 'before\n<!-- generated:a -->\nold\n<!-- /generated -->\nafter\n'
    const written = 'before\n<!-- generated:a -->\n\n| x |\n\n<!-- /generated -->\nafter\n'
    expect(withTables(text, one)).toBe(written)
    expect(withTables(written, one)).toBe(written)
  })

  test('refuses a table that is not there, and a marker without an end', () => {
    expect(() => withTables('<!-- generated:b --><!-- /generated -->', one)).toThrow(/no table "b"; there are: a/)
    expect(() => withTables('<!-- generated:a -->\n', one)).toThrow(/1 markers/)
    const swallowed = '<!-- generated:a -->\nprose\n<!-- generated:a -->\n<!-- /generated -->'
    expect(() => withTables(swallowed, one)).toThrow(/2 markers .* and 1 of them/)
  })
})
