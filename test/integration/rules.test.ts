/**
 * Every kind of rule of the owner on a real server: a repository with three snapshots of which one holds an index that was made again empty,
 * and one that nobody wrote to any more. What the run says, `judge` says again offline (`openBench` compares every night).
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { questionId } from '../../src/model/answers.ts'
import type { JournalRow } from '../../src/model/journal.ts'
import type { RunResult } from '../../src/model/run.ts'
import { judgeRun } from '../../src/run/judgeRun.ts'
import { type Bench, type Night, openBench, snapshotOf } from '../support/auditRun.ts'
import { mustJudgeAlike } from '../support/judgeAlike.ts'
import { makeRuledRepository, rulesOfEveryKind, writeCommand } from '../support/ruledNight.ts'

let bench: Bench
let repository: string

beforeAll(async () => {
  bench = await openBench()
  repository = await makeRuledRepository(bench)
})
afterAll(() => bench.close())

/** By rule: `verdict` of each place, and the messages of what does not pass. */
function saidBy({ rules: found }: RunResult, rule: string): string[] {
  const rows = found?.outcomes.filter(row => row.rule === rule) ?? []
  return rows.map(
    row => `${row.index ?? '-'}@${row.snapshot}: ${row.verdict}${row.message === '' ? '' : `: ${row.message}`}`,
  )
}

describe('a night with every kind of rule', () => {
  let night: Night
  let run: RunResult
  beforeAll(async () => {
    const command = join(bench.folder, 'command.sh')
    await writeCommand(command)
    night = await bench.night('rules', { repository, rules: rulesOfEveryKind(command) })
    run = night.run
  })

  it('judges counts, types, shares, times, queries and aliases by what the server answers', () => {
    expect(saidBy(run, 'count')).toEqual([
      'orders@night-4: fail: 0 documents; wanted: 5 to 20',
      'orders@night-3: fail: 0 documents; wanted: 5 to 20',
    ])
    expect(saidBy(run, 'types')).toEqual(['orders@night-4: pass'])
    expect(saidBy(run, 'wrong type')).toEqual([
      'orders@night-1: fail: amount: double; wanted: keyword; nothing: not in the mapping; wanted: date',
    ])
    expect(saidBy(run, 'customers')).toEqual(['orders@night-1: pass'])
    expect(saidBy(run, 'all customers')).toEqual([
      'orders@night-1: fail: customer is filled in 9 of 10 documents (90 %); wanted: at least 90.1 %',
    ])
    expect(saidBy(run, 'skus')).toEqual(['orders@night-1: pass'])
    expect(saidBy(run, 'fresh')[0]).toBe('orders@night-2: pass')
    expect(saidBy(run, 'fresh')[1]).toMatch(
      /^stale@night-2: fail: newest placed_at 2001-01-01T00:00:00.000Z, \d+ d .*before night-2 began .*; wanted: at most 1 d$/,
    )
    expect(saidBy(run, 'retention')[1]).toMatch(/^stale@night-2: fail: oldest placed_at 2001/)
    expect(saidBy(run, 'no time')).toEqual(['orders@night-1: fail: words is of type text; wanted: a date'])
    expect(saidBy(run, 'hits')).toEqual(['orders@night-1: pass'])
    expect(saidBy(run, 'shop').map(text => text.slice(0, 24))).toEqual([
      'orders@night-4: fail: no',
      'orders@night-3: fail: no',
    ])
  })

  it('takes no value, and a query that the server refuses, for no pass', () => {
    expect(saidBy(run, 'nothing to add up')).toEqual([
      'orders@night-3: fail: most has no value, as an aggregation over no documents has none; wanted: at least 0',
    ])
    expect(saidBy(run, 'refused')[0]).toMatch(/^orders@night-1: fail: the server refused to answer: .*no_such_query/)
  })

  it('tells an index that the snapshot before had', () => {
    expect(saidBy(run, 'complete')).toEqual(['-@night-4: fail: 1 indices of night-3 are not in night-4: stale'])
  })

  it('runs commands: a good one, a bad one, one that hangs, one that floods, and one that is not there', () => {
    expect(saidBy(run, 'good command')).toEqual(['orders@night-1: pass'])
    expect(saidBy(run, 'bad command')[0]).toMatch(
      /fail: .*command\.sh: exit code 3; it said: the books do not balance$/,
    )
    expect(saidBy(run, 'hanging command')[0]).toMatch(/inconclusive: .*did not end within 1 s/)
    expect(saidBy(run, 'flooding command')[0]).toMatch(/inconclusive: .*wrote more than 1048576 bytes/)
    expect(saidBy(run, 'no command')[0]).toMatch(/inconclusive: .*could not be started/)
  })

  it('a rule that matches nothing is told', () => {
    const told = run.findings.filter(({ code }) => code === 'rule-matches-nothing').map(({ message }) => message)
    expect(told).toEqual([
      'rule "nobody" checks nothing: no index matches payments-*',
      'rule "own" checks nothing: no snapshot matches night-[12]',
    ])
    expect(run.rules?.rules.find(({ name }) => name === 'nobody')).toMatchObject({ indices: 0, judged: { pass: 0 } })
  })

  it('fails the snapshots and not their restores, says so in findings and the exit code', () => {
    for (const name of ['night-1', 'night-3', 'night-4']) {
      expect(snapshotOf(run, name).levels).toMatchObject({
        restore: { verdict: 'pass' },
        rules: { verdict: 'fail', reason: 'found' },
      })
    }
    const empty = run.findings.find(({ code, message }) => code === 'rule-failed' && message.startsWith('rule "count"'))
    expect(empty).toMatchObject({
      severity: 'error',
      index: 'orders',
      snapshots: ['night-3', 'night-4'].map(name => snapshotOf(run, name).uuid),
    })
    expect(empty?.message).toBe(
      'rule "count": orders in night-4: 0 documents; wanted: 5 to 20; and so in 1 older snapshots, back to night-3',
    )
    expect(run.findings.filter(({ message }) => message.startsWith('rule "all customers"'))).toMatchObject([
      { severity: 'warning' },
    ])
    expect(run.exit.applies).toEqual([1, 4])
    // Of orders night-2 holds all rules; stale fails in night-2 alone, and no rule speaks of it in night-3.
    expect(run.lastGood).toMatchObject([
      { index: 'orders', snapshot: 'night-2', level: 'rules' },
      { index: 'stale', snapshot: 'night-3', level: 'restore' },
    ])
  })

  it('no document, id or key of an aggregation is in what is kept', async () => {
    const { snapshot } = run.restores.find(({ index }) => index === 'orders') ?? { snapshot: '' }
    const text = JSON.stringify(await night.evidence('orders', snapshot))
    expect(text).toContain('"answers"')
    expect(text).not.toMatch(/"_id"|"_source"|"hits":\[/)
    expect(await readFile(join(night.folder, 'evidence/rules.json'), 'utf8')).not.toMatch(/"_id"|"_source"/)
  })

  it('the next night restores nothing and says the same, from what the ledger remembers', async () => {
    const command = join(bench.folder, 'command.sh')
    const again = await bench.night('rules', { repository, rules: rulesOfEveryKind(command) })
    expect(again.run.restores).toEqual([])
    expect(again.run.rules).toEqual(run.rules)
    const failed = ({ findings }: RunResult) =>
      findings.filter(({ code }) => code === 'rule-failed').map(({ id, message }) => [id, message])
    expect(failed(again.run)).toEqual(failed(run))
  })

  it('a new rule is asked of the newest snapshot that night, and open on older ones; judge says what it would have said', async () => {
    const more =
      'rules:\n  - { name: new, index: stale, filled: { field: amount, percent: 100 } }\n  - { name: count, index: stale, documents: { min: 11 } }\n'
    const file = join(bench.folder, 'later.yaml')
    await writeFile(
      file,
      `repository: { name: rules, url: 'file:///x' }\nledger: { sync: none }\nengines: [{ name: e, kind: maven, version: 9.5.3 }]\n${more}`,
    )
    const { rules: later, policy } = await loadConfig({ file, environment: {} })
    const read = (name: string) => readFile(join(night.folder, name), 'utf8').catch(() => null)
    const judged = await judgeRun({ run, read, rules: later, accepted: policy.accepted })
    // Counts are in every evidence; what was filled in was not asked.
    expect(judged.rules?.rules.map(({ name, judged: counts }) => [name, counts])).toEqual([
      ['new', { pass: 0, fail: 0, inconclusive: 3 }],
      ['count', { pass: 0, fail: 3, inconclusive: 0 }],
    ])
    expect(judged.newRules).toEqual(['new'])
    expect(judged.missing).toBe(0)
    const next = await bench.night('rules', { repository, rules: more })
    expect(next.run.restores.map(row => `${row.index}@${row.snapshot} ${row.kind}`)).toEqual(['stale@night-3 refresh'])
    expect(saidBy(next.run, 'new')).toEqual(['stale@night-3: pass'])
  })
})

describe('the newest time of what was restored', () => {
  const minutes = 60_000
  const dayMs = 86_400_000

  /** Ten nights of `stale`, each restored and with a time of that night. */
  function freshNights(): JournalRow[] {
    const question = questionId({ kind: 'times', field: 'placed_at' })
    return Array.from({ length: 10 }, (_, i): JournalRow[] => {
      const endedMs = Date.now() - (10 - i) * dayMs
      const place = { indexId: 'past', contentId: `past-${i}`, snapshotUuid: `past-${i}`, runId: 'past', atMs: endedMs }
      const answer = { oldestMs: 0, newestMs: endedMs - 10 * minutes, type: 'date' }
      return [
        {
          ...place,
          kind: 'measure',
          index: 'stale',
          snapshot: `past-${i}`,
          endedMs,
          documents: 10,
          bytes: 10_000,
          sequence: i,
          metadataKey: null,
          fields: null,
          mapping: null,
          resting: null,
          judged: true,
        },
        {
          ...place,
          kind: 'answer',
          question,
          answered: true,
          answer: JSON.stringify({ status: 'answered', value: answer }),
        },
      ]
    }).flat()
  }

  it('is asked, remembered, and told in the night in which it was answered and in the next', async () => {
    const options = { repository, rules: 'baselines: { timeField: placed_at }' }
    await bench.remember('behind', options, freshNights())
    const night = await bench.night('behind', options)
    const told = ({ findings }: RunResult) => findings.filter(({ code }) => code === 'index-behind')
    expect(told(night.run)).toMatchObject([
      {
        severity: 'warning',
        index: 'stale',
        snapshots: ['night-1', 'night-2', 'night-3'].map(name => snapshotOf(night.run, name).uuid),
      },
    ])
    expect(told(night.run)[0]?.message).toMatch(
      /^stale: newest time 2001-01-01T00:00Z, [\d,]+ days earlier than the .+Z that was there in 10 restored/,
    )
    expect(night.run.baselines?.outside).toMatchObject([{ kind: 'behind', index: 'stale' }])
    expect(await readFile(join(night.folder, 'report.html'), 'utf8')).toContain('newest time 2001-01-01T00:00Z')
    const { answers } = await night.evidence(
      'stale',
      night.run.restores.find(({ index }) => index === 'stale')?.snapshot ?? '',
    )
    expect(Object.keys(answers ?? {})).toEqual([questionId({ kind: 'times', field: 'placed_at' })])
    const again = await bench.night('behind', options)
    expect(again.run.restores).toEqual([])
    expect(told(again.run)).toEqual(told(night.run))
  })
})

describe('nights without rules', () => {
  it('know no level rules, and write none', async () => {
    const { run, folder, evidence } = await bench.night('plain', { repository })
    expect(run.rules).toBeUndefined()
    expect(Object.keys(snapshotOf(run, 'night-1').levels)).toEqual(['catalogue', 'presence', 'bytes', 'restore'])
    expect(run.verdicts.filter(({ level }) => level === 'rules')).toEqual([])
    await expect(readFile(join(folder, 'evidence/rules.json'))).rejects.toMatchObject({ code: 'ENOENT' })
    // No index has the field whose newest time baselines ask for.
    const stale = run.restores.find(({ index }) => index === 'stale')?.snapshot ?? ''
    expect((await evidence('stale', stale)).answers).toBeUndefined()
  })

  it('the comparison with judge can fail', async () => {
    const { run, folder } = await bench.night('bent', { repository, only: ['night-1'] })
    const [row] = run.restores
    const bent = {
      ...run,
      restores: run.restores.map(one => (one === row ? { ...one, verdict: 'fail' as const } : one)),
    }
    const config = { rules: [], policy: { accepted: [] } as never }
    await expect(mustJudgeAlike(folder, bent, config)).rejects.toThrow(/the run said fail/)
  })
})
