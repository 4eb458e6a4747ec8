/** The owner's rules in the configuration: what they become, and what is said of what is wrong. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { ruleKinds } from '../../src/rules/owner/registry.ts'

const minimal = `repository: { name: production, url: 's3://snapshots/base' }
ledger: { sync: none }
engines: [{ name: es9, kind: maven, version: 9.5.3 }]
`
const load = async (rules: string) =>
  (await loadConfig({ file: '/etc/snapproof/audit.yaml', environment: {}, readFile: async () => `${minimal}${rules}` }))
    .rules

const one = (text: string) => `rules:\n  - { name: a, ${text} }\n`

test('the example shows each kind once', async () => {
  const { rules } = await loadConfig({
    file: 'config/snapproof.example.yaml',
    environment: {},
    readFile: async path => readFileSync(path, 'utf8'),
  })
  expect(rules.map(({ kind }) => kind)).toEqual(Object.keys(ruleKinds))
})

test('what each kind becomes', async () => {
  expect(await load(one('index: [b, c-*], severity: warning, documents: { min: 1 }'))).toEqual([
    {
      name: 'a',
      kind: 'documents',
      index: ['b', 'c-*'],
      snapshots: ['*'],
      severity: 'warning',
      wants: { min: 1, max: null },
    },
  ])
  const wants = async (text: string) => (await load(one(text)))[0]?.wants
  expect(await wants('fields: { x.y: date, z: [float, double] }')).toEqual({
    types: { 'x.y': ['date'], z: ['float', 'double'] },
  })
  expect(await wants('newest: { field: at, within: 26h }')).toEqual({
    field: 'at',
    withinSeconds: 93_600,
    aheadSeconds: 3_600,
  })
  expect(await wants('oldest: { field: at, within: 90d }')).toEqual({ field: 'at', withinSeconds: 7_776_000 })
  expect(
    await wants('query: { body: { aggs: { m: { max: { field: x } } } }, aggregation: m, value: { max: 3 } }'),
  ).toEqual({
    body: { aggs: { m: { max: { field: 'x' } } } },
    hits: null,
    aggregation: { path: 'm', range: { min: null, max: 3 } },
  })
  expect(await wants('indices: { present: [x] }')).toEqual({ present: ['x'], asBefore: false })
})

test('a program beside the file, on the PATH, or anywhere', async () => {
  const runs = async (program: string) => (await load(one(`command: { run: ['${program}', -v] }`)))[0]?.wants
  expect(await runs('checks/a.sh')).toEqual({ run: ['/etc/snapproof/checks/a.sh', '-v'], timeLimitSeconds: 60 })
  expect(await runs('python3')).toMatchObject({ run: ['python3', '-v'] })
  expect(await runs('/bin/a')).toMatchObject({ run: ['/bin/a', '-v'] })
})

describe('what is wrong is said where it stands', () => {
  test.each([
    ['no kind', 'index: b', /rules\[0\]: got .*exactly one of documents, fields, filled/],
    ['two kinds', 'documents: { min: 1 }, aliases: [x]', /rules\[0\]: got .*exactly one of/],
    ['an unknown kind', 'document: { min: 1 }', /rules\[0\]\.document: no such key; did you mean documents\?/],
    ['no bound', 'documents: {}', /rules\[0\]\.documents: .*min, max or both/],
    ['bounds the wrong way round', 'documents: { min: 5, max: 4 }', /rules\[0\]\.documents: .*min not above max/],
    ['NaN', 'documents: { min: .nan }', /rules\[0\]\.documents\.min: got .*; allowed: a number/],
    [
      'more than all',
      'filled: { field: x, percent: 101 }',
      /rules\[0\]\.filled\.percent: got 101; allowed: a number above 0, at most 100/,
    ],
    ['no share', 'filled: { field: x, percent: 0 }', /percent: got 0/],
    ['no fields', 'fields: {}', /rules\[0\]\.fields: got .*a mapping from the dotted path/],
    ['a pattern as a field', 'newest: { field: "a*", within: 1d }', /rules\[0\]\.newest\.field: got "a\*"/],
    [
      'no duration',
      'newest: { field: a, within: soon }',
      /rules\[0\]\.newest\.within: got "soon"; allowed: a duration/,
    ],
    [
      'a query that returns documents',
      'query: { body: { _source: true }, hits: { min: 1 } }',
      /rules\[0\]\.query\.body: .*size is always 0/,
    ],
    [
      'a query that counts some',
      'query: { body: { terminate_after: 1 }, hits: { min: 1 } }',
      /rules\[0\]\.query\.body/,
    ],
    ['a query without a range', 'query: { body: {} }', /rules\[0\]\.query: .*hits, or aggregation with value/],
    [
      'an aggregation without a range',
      'query: { body: { aggs: { m: {} } }, aggregation: m }',
      /aggregation together with value/,
    ],
    [
      'an aggregation that is not asked for',
      'query: { body: { aggs: { m: {} } }, aggregation: n, value: { min: 1 } }',
      /rules\[0\]\.query\.aggregation: got "n"; allowed: a path that begins with m/,
    ],
    ['a set of nothing', 'indices: {}', /rules\[0\]\.indices: .*present, asBefore/],
    ['a command of no words', 'command: { run: [] }', /rules\[0\]\.command\.run: .*the program, then its arguments/],
    ['a shell line', 'command: { run: "ls -l" }', /rules\[0\]\.command\.run: got "ls -l"; allowed: a list/],
    ['another severity', 'severity: fatal, aliases: [x]', /rules\[0\]\.severity: got "fatal"; allowed: error, warning/],
  ])('%s', async (_, text, message) => {
    await expect(load(one(text))).rejects.toThrow(message)
  })

  test('two rules of one name', async () => {
    const two = 'rules:\n  - { name: a, aliases: [x] }\n  - { name: a, aliases: [y] }\n'
    await expect(load(two)).rejects.toThrow(
      /rules\[1\]\.name: got "a"; allowed: a name of its own; rules\[0\] has this one/,
    )
  })

  test('a list that is none', async () => {
    await expect(load('rules: { name: a }\n')).rejects.toThrow(/rules: got .*; allowed: a list of rules/)
  })
})
