/** `judge`: a folder that a run left, judged again without repository, ledger and engine. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { judgeCommand } from '../../src/cli/judgeCommand.ts'
import { removeOldRuns } from '../../src/cli/oldRuns.ts'
import { silentLog } from '../../src/log.ts'
import type { RestoreRow, RunResult, SelfCheck } from '../../src/model/run.ts'
import { serializeRun } from '../../src/report/run-json.ts'
import { expectation, expectedShard, goodEvidence, statsRow } from '../support/evidence.ts'
import { fakeClock } from '../support/fakes.ts'
import { first, goodRun } from '../support/runs.ts'

// The whole self-check before every judgement here would take a minute; test/run/selfCheck.test.ts asks the real one.
const auditor = vi.hoisted(() => ({ missed: [] as SelfCheck['missed'][number][] }))
vi.mock('../../src/run/selfCheck/selfCheck.ts', async original => ({
  ...(await original<typeof import('../../src/run/selfCheck/selfCheck.ts')>()),
  selfCheck: async (): Promise<SelfCheck> => ({
    planted: 1,
    found: 1 - auditor.missed.length,
    seconds: 0,
    missed: auditor.missed,
  }),
}))

const folder = mkdtempSync(join(tmpdir(), 'snapproof-judge-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let runFolder = ''
let count = 0
beforeEach(() => {
  auditor.missed = []
  runFolder = join(folder, `run-${++count}`)
  mkdirSync(join(runFolder, 'evidence'), { recursive: true })
})

const run = goodRun()
const snapshot = first(run.snapshots)
const expected = expectation({ snapshot: snapshot.name, snapshotUuid: snapshot.uuid, shards: [expectedShard(0)] })

/** A run that restored one index from its first snapshot; the evidence bent. */
function leave(evidence: object, row: Partial<RestoreRow> = {}, change: Partial<RunResult> = {}): void {
  const restores = [
    {
      ...first(run.restores),
      index: expected.indexName,
      snapshot: snapshot.name,
      snapshotUuid: snapshot.uuid,
      creditedTo: [],
      verdict: 'pass',
      reason: 'proven',
      evidence: 'evidence/one.json',
      ...row,
    } as const,
  ]
  writeFileSync(join(runFolder, 'run.json'), serializeRun({ ...run, restores, ...change }))
  writeFileSync(
    join(runFolder, 'evidence/one.json'),
    JSON.stringify({ ...goodEvidence(expected), expected, doubt: null, ...evidence }),
  )
}

async function judge(rules: string | null = null, path = runFolder) {
  const printed: string[] = []
  const config = join(runFolder, 'audit.yaml')
  const head =
    "repository: { name: a, url: 's3://bucket/base' }\nledger: { sync: none }\nengines: [{ name: e, kind: maven, version: 9.5.3 }]\n"
  if (rules !== null) writeFileSync(config, head + rules)
  const code = await judgeCommand(
    {
      environment: {},
      clock: fakeClock(),
      log: { ...silentLog, clear: () => {} },
      signal: new AbortController().signal,
      print: text => printed.push(text),
    },
    { run: path, json: true, ...(rules === null ? {} : { config }) },
  )
  return { code, judged: JSON.parse(printed.join('')) }
}

const onLogs = (kind: string) => `rules:\n  - { name: r, index: logs, ${kind} }\n`

describe('restores', () => {
  test('the same verdict as the run', async () => {
    leave({})
    const { code, judged } = await judge()
    expect(code).toBe(0)
    expect(judged).toMatchObject({
      differences: [],
      notes: [],
      rules: null,
      restores: [{ verdict: 'pass', same: true }],
    })
    expect((await judge(null, join(runFolder, 'run.json'))).judged).toEqual(judged)
  })

  test('evidence that says something else than the run fails, and is told', async () => {
    leave({ stats: [statsRow(expectedShard(0, { luceneDocs: 9 }))] })
    const { code, judged } = await judge()
    expect(code).toBe(1)
    expect(judged.differences).toEqual([
      expect.stringMatching(/^logs in .*: fail \(found\), the run said pass \(proven\)$/),
    ])
  })

  test('what could not be repeated accuses nobody, now as then', async () => {
    const doubt = { reason: 'not-repeated', message: 'no fresh start is left' }
    leave(
      { stats: [statsRow(expectedShard(0, { luceneDocs: 9 }))], doubt },
      { verdict: 'inconclusive', reason: 'not-repeated' },
    )
    const { code, judged } = await judge()
    expect([code, judged.differences]).toEqual([4, []])
  })

  test.each([
    ['that lost a member', { recovery: null }, /a member/],
    ['of a version that did not keep what was expected', { expected: undefined }, /does not say what was expected/],
    ['of no version', { schemaVersion: 9 }, /is no evidence/],
  ])('evidence %s is no pass', async (_, bent, message) => {
    leave(bent)
    const { code, judged } = await judge()
    expect(code).toBe(4)
    expect(judged.restores).toEqual([])
    expect(judged.notes[0]).toMatch(message)
  })

  test('evidence that is gone is told, and a name that leads out of the folder is not read', async () => {
    leave({}, { evidence: 'evidence/../../secret.json' })
    writeFileSync(join(folder, 'secret.json'), JSON.stringify({ ...goodEvidence(expected), expected, doubt: null }))
    const { code, judged } = await judge()
    expect(code).toBe(4)
    expect(judged.notes[0]).toMatch(/secret\.json is not there/)
  })

  test('a blind auditor judges nothing', async () => {
    leave({})
    auditor.missed = [{ what: 'a count that is bent', code: null, why: 'it passed' }]
    await expect(judge()).rejects.toMatchObject({ code: 'auditor-blind', exitCode: 2 })
  })

  test('a folder without a run', async () => {
    await expect(judge(null, join(folder, 'nothing'))).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('what would this rule have said', () => {
  test('counts, types and aliases are in every evidence', async () => {
    leave({ expected: { ...expected, aliases: ['shop'] } })
    for (const [kind, code] of [
      ['documents: { min: 10, max: 10 }', 0],
      ['documents: { min: 11 }', 1],
      ["fields: { '@timestamp': date }", 0],
      ['fields: { message: keyword }', 1],
      ['aliases: [shop]', 0],
      ['aliases: [store]', 1],
    ] as const) {
      const found = await judge(onLogs(kind))
      // The note says that the run kept no answers of rules, so a pass is no 0.
      expect([kind, found.code]).toEqual([kind, code === 0 ? 4 : 1])
      expect(found.judged.newRules).toEqual(['r'])
      expect(found.judged.rules.rules[0].judged).toMatchObject(code === 0 ? { pass: 1, fail: 0 } : { pass: 0, fail: 1 })
    }
  })

  test('what was not asked is missing, and no pass', async () => {
    leave({})
    const { code, judged } = await judge(onLogs('filled: { field: message, percent: 1 }'))
    expect(code).toBe(4)
    expect(judged).toMatchObject({ missing: 1, rules: { rules: [{ judged: { pass: 0, inconclusive: 1 } }] } })
  })

  test('a set of indices is not judged where the run did not keep it', async () => {
    leave({})
    const { judged } = await judge(onLogs('indices: { present: [nothing] }'))
    expect(judged.rules.rules[0].judged).toEqual({ pass: 0, fail: 0, inconclusive: 0 })
    expect(judged.notes[0]).toMatch(/no set of indices/)
  })

  test('answers of a restore that did not pass are not believed', async () => {
    leave({ stats: [statsRow(expectedShard(0, { luceneDocs: 9 }))] }, { verdict: 'fail', reason: 'found' })
    const { judged } = await judge(onLogs('documents: { min: 1 }'))
    expect(judged.rules.rules[0].judged).toEqual({ pass: 0, fail: 0, inconclusive: 0 })
  })
})

describe('retention of evidence', () => {
  const clock = fakeClock(Date.UTC(2026, 10, 23))
  const names = (root: string) =>
    ['20261101T000000Z-0123abcd', '20261120T000000Z-0123abcd', 'mine', '20200101T000000Z-0123abcd.txt'].map(name =>
      join(root, name),
    )

  test('only folders of runs, and only old ones', async () => {
    const root = join(folder, 'runs')
    for (const path of names(root)) mkdirSync(join(path, 'evidence'), { recursive: true })
    const context = { clock, log: { ...silentLog, clear: () => {} } }
    const left = async () => (await import('node:fs')).readdirSync(root).sort()
    await removeOldRuns({ folder: root, keepEvidenceDays: null }, context)
    expect(await left()).toHaveLength(4)
    await removeOldRuns({ folder: root, keepEvidenceDays: 10 }, context)
    expect(await left()).toEqual(['20200101T000000Z-0123abcd.txt', '20261120T000000Z-0123abcd', 'mine'])
    await removeOldRuns({ folder: join(root, 'nowhere'), keepEvidenceDays: 10 }, context)
  })
})
