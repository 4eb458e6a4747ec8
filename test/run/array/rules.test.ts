/** The owner's rules over several machines: each asks what it restores, and the run that collects them judges all of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OpenPlan } from '../../../src/model/openPlan.ts'
import type { RunResult } from '../../../src/model/run.ts'
import { contentsOf } from '../../../src/run/array/part.ts'
import { type ArrayNight, arrayNight, type Through } from './night.ts'

const rules = `rules:
  - { name: some, index: growing, documents: { min: 1 } }
  - { name: many, index: growing, severity: warning, documents: { min: 1000000 } }
  - { name: any, index: '*', documents: { min: 0 } }
  - { name: shop, index: growing, severity: warning, aliases: [shop] }
`

let night: ArrayNight
beforeEach(async () => {
  night = await arrayNight(rules)
})
afterEach(() => night.close())

async function collected(): Promise<RunResult> {
  const { run } = await night.collect()
  if (run === null) throw new Error('it was collected before')
  await night.mustJudgeAlike(run)
  return run
}
const judgedBy = ({ rules: found }: RunResult, name: string) => found?.rules.find(rule => rule.name === name)?.judged
const childrenWith = ({ children }: OpenPlan, index: string) =>
  [...children.keys()].filter(at =>
    contentsOf(children[at] as OpenPlan['children'][number]).some(({ group }) => group.indexName === index),
  )
const levelsOf = (run: RunResult) => run.verdicts.filter(({ level, index }) => level === 'rules' && index === 'growing')

describe('rules over several machines', () => {
  it('answers travel with the results, and the run that collects them judges as a run of one machine does', async () => {
    await night.plan(3)
    const { children } = await night.readPlan()
    expect(children.length).toBe(3)
    for (const child of children.keys()) expect((await night.work(child)).trouble).toBeNull()
    const run = await collected()
    const alone = await arrayNight(rules)
    try {
      const single = await alone.audit()
      await alone.mustJudgeAlike(single)
      expect(run.rules).toEqual(single.rules)
      const marks = (of: RunResult) => of.snapshots.map(({ name, levels }) => [name, levels.rules])
      expect(marks(run)).toEqual(marks(single))
    } finally {
      await alone.close()
    }
    const places = judgedBy(run, 'some')?.pass ?? 0
    expect(places).toBeGreaterThan(2)
    expect(judgedBy(run, 'some')).toEqual({ pass: places, fail: 0, inconclusive: 0 })
    expect(judgedBy(run, 'many')).toEqual({ pass: 0, fail: places, inconclusive: 0 })
    // What is owed after it is nothing, by what the ledger remembers of the machines.
    const next = await night.audit()
    expect(next.restores).toEqual([])
    expect(next.rules).toEqual(run.rules)
  })

  it('of a machine that was lost the rules are open, and pass nowhere', async () => {
    await night.plan(9)
    const plan = await night.readPlan()
    const [lost = -1, ...others] = childrenWith(plan, 'growing')
    expect(others.length).toBeGreaterThan(0)
    for (const child of plan.children.keys()) if (child !== lost) await night.work(child)
    const run = await collected()
    expect(run.array?.children[lost]).toMatchObject({ status: 'absent' })
    const some = judgedBy(run, 'some')
    expect(some?.inconclusive).toBeGreaterThan(0)
    expect(some?.pass).toBeGreaterThan(0)
    const missing = contentsOf(plan.children[lost] as OpenPlan['children'][number]).map(
      ({ content }) => plan.snapshots[content.from]?.name,
    )
    for (const name of missing) {
      const found = run.snapshots.find(one => one.name === name)?.levels.rules
      expect(found?.verdict).toBe('inconclusive')
      expect(levelsOf(run).filter(({ snapshot, verdict }) => snapshot === name && verdict === 'pass')).toEqual([])
    }
    expect(run.debt.contents).toBeGreaterThan(0)
  })

  it.each([
    ['answers of a result whose machine died before its journal was stored are kept', false],
    ['answers that such a result lacks are open, and pass nowhere', true],
  ])('%s', async (_, lacking) => {
    await night.plan(1)
    let gone = false
    const dies: Through = {
      writer: inner => ({
        ...inner,
        putIfAbsent: async (key, bytes, options) => {
          if (gone) throw new Error('the machine is gone')
          gone = /\/contents\//.test(key)
          const written = await inner.putIfAbsent(key, gone && lacking ? withoutAnswers(bytes) : bytes, options)
          if (gone) throw new Error('the machine is gone')
          return written
        },
      }),
    }
    await expect(night.work(0, dies)).rejects.toThrow('the machine is gone')
    const { run } = await night.collect()
    if (run === null) throw new Error('it was collected before')
    expect(run.restores).toMatchObject([{ verdict: 'pass' }])
    const places = 1 + (run.restores[0]?.creditedTo.length ?? 0)
    expect(judgedBy(run, 'any')?.pass).toBe(lacking ? 0 : places)
    expect(judgedBy(run, 'any')?.inconclusive).toBeGreaterThanOrEqual(lacking ? places : 1)
  })
})

function withoutAnswers(bytes: Uint8Array): Buffer {
  const parsed: unknown = JSON.parse(Buffer.from(bytes).toString(), (key, value) =>
    key === 'answers' ? undefined : value,
  )
  return Buffer.from(JSON.stringify(parsed))
}
