import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import * as z from 'zod'
import { isRecord } from '../../src/config/layers.ts'
import { knownKeys, leaves, sections, variableName } from '../../src/config/leaves.ts'
import { configJsonSchema, pathLeaves } from '../../src/config/schema.ts'

describe('leaves', () => {
  test('variables follow the paths and are unique', () => {
    expect(variableName('limits.restoreBytes')).toBe('SNAPPROOF_LIMITS_RESTORE_BYTES')
    expect(variableName('failOn')).toBe('SNAPPROOF_FAIL_ON')
    const variables = leaves.flatMap(leaf => leaf.variable ?? [])
    expect(new Set(variables).size).toBe(variables.length)
    expect(variables).toContain('SNAPPROOF_REPOSITORY_URL')
  })

  test('lists and their entries have no variable', () => {
    const without = leaves.filter(leaf => leaf.variable === null).map(leaf => leaf.path)
    expect(
      without.filter(path => !/^(engines|policy\.accepted|rules|baselines\.indices)(\[\]\.|$)/.test(path)),
    ).toEqual([])
    expect(without).toContain('engines[].home')
  })

  test('each says what it is', () => {
    expect(leaves.filter(leaf => leaf.description === '').map(leaf => leaf.path)).toEqual([])
  })

  test('sections and paths are those of the schema', () => {
    expect(sections.map(keys => keys.join('.'))).toContain('policy.restore')
    expect(knownKeys(['policy', 'accepted', 0])).toContain('approver')
    expect(knownKeys(['policy', 'nothing'])).toEqual([])
    const paths = leaves.map(leaf => leaf.path)
    for (const path of pathLeaves) expect(paths).toContain(path)
  })
})

describe('config/snapproof.example.yaml', () => {
  const text = readFileSync('config/snapproof.example.yaml', 'utf8')
  const example: unknown = parseDocument(text).toJS()

  test('shows every key', () => {
    const shown = new Set(pathsOf(example))
    // The other way to say where the ledger is; both cannot stand in one valid file.
    if (text.includes('# sync: none')) shown.add('ledger.sync')
    // Mappings with keys of the owner's are leaves of the schema and not of the file.
    const isShown = (path: string) => shown.has(path) || [...shown].some(one => one.startsWith(`${path}.`))
    expect(leaves.map(leaf => leaf.path).filter(path => !isShown(path))).toEqual([])
  })

  test('fits the JSON Schema, which knows no other key', () => {
    const schema = z.fromJSONSchema(configJsonSchema())
    expect(schema.safeParse(example).error?.issues).toBeUndefined()
    expect(schema.safeParse({ ...Object(example), other: 1 }).success).toBe(false)
    expect(schema.safeParse({ ...Object(example), failOn: 'x' }).success).toBe(false)
  })

  test('every value that says `# default` is the default', () => {
    let checked = 0
    for (const leaf of leaves.filter(({ variable }) => variable !== null)) {
      const value = leaf.keys.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), example)
      const marked = lineOf(text, leaf.keys).includes('# default')
      if (!marked) continue
      expect([leaf.path, value]).toEqual([leaf.path, leaf.default ?? null])
      checked++
    }
    // Five of the marks belong to entries of lists: four engines and a rule.
    expect(checked).toBe(text.split('\n').filter(line => /^ *\w+: [^#]+# default$/.test(line)).length - 5)
  })
})

/** The line of a leaf, found by walking down its keys by indentation. */
function lineOf(text: string, keys: readonly string[]): string {
  const lines = text.split('\n')
  let at = 0
  for (const [depth, key] of keys.entries()) {
    at = lines.findIndex((line, i) => i >= at && line.startsWith(`${'  '.repeat(depth)}${key}:`))
    if (at === -1) return ''
  }
  return lines[at] ?? ''
}

function pathsOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return [prefix, ...value.flatMap(entry => pathsOf(entry, `${prefix}[]`))]
  if (!isRecord(value)) return [prefix]
  return Object.entries(value).flatMap(([key, child]) => pathsOf(child, prefix === '' ? key : `${prefix}.${key}`))
}
