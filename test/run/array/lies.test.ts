/** What an array must not forget and must not believe, whoever of its machines came to its end and in which order. */
import { readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/blobs/open.ts'
import type { BlobReader } from '../../../src/blobs/port.ts'
import { makeFinding } from '../../../src/check/findings.ts'
import { SnapproofError } from '../../../src/errors.ts'
import { openLedger } from '../../../src/ledger/open.ts'
import type { LedgerSession } from '../../../src/ledger/port.ts'
import { readLedger } from '../../../src/ledger/read.ts'
import { show } from '../../../src/ledger/show/show.ts'
import { silentLog } from '../../../src/log.ts'
import type { RunResult } from '../../../src/model/run.ts'
import { parseRun } from '../../../src/report/run-json.ts'
import { openCatalogue } from '../../../src/repository/catalogue.ts'
import { contentsOf, journalOf } from '../../../src/run/array/part.ts'
import { condemnationRows } from '../../../src/run/failingRows.ts'
import { systemClock } from '../../../src/time.ts'
import { contentRow } from '../../ledger/support.ts'
import { type ArrayNight, arrayNight } from './night.ts'

const { signal } = new AbortController()
let night: ArrayNight
beforeEach(async () => {
  night = await arrayNight()
})
afterEach(() => night.close())

/** Asks the ledger as a machine does that comes now, and may journal beside it. */
async function withLedger<Result>(ask: (ledger: LedgerSession) => Result | Promise<Result>): Promise<Result> {
  const ledger = await openLedger({
    repositoryName: 'test',
    store: openStore(`file://${night.ledger}`, { clock: systemClock }),
    file: join(night.ledger, '..', 'asked.sqlite'),
    runId: 'asked',
    owner: 'test:1',
    clock: systemClock,
    log: silentLog,
    leaseSeconds: 60,
    randomId: () => crypto.randomUUID(),
    signal,
    readOnly: true,
    journals: true,
  })
  try {
    return await ask(ledger)
  } finally {
    await ledger.close()
  }
}

const proofOf = (indexId: string, contentId: string) =>
  withLedger(ledger => ledger.contentHistory(indexId, contentId, null).proof?.verdict ?? null)

async function planned() {
  const plan = await night.readPlan()
  return { plan, contents: plan.children.flatMap(contentsOf) }
}

/** The data blobs of the index are others, and nothing that a listing shows is. */
function rotten(indexId: string): (reader: BlobReader) => BlobReader {
  return reader => ({
    ...reader,
    get: async (key, options) => {
      const found = await reader.get(key, options)
      if (!(key.startsWith(`indices/${indexId}/`) && /\/__[^/]+$/.test(key))) return found
      async function* body() {
        for await (const chunk of found.body) yield Buffer.from(chunk).fill(0)
      }
      return { ...found, body: body() }
    },
  })
}

const runOf = ({ run }: { readonly run: RunResult | null }): RunResult => {
  if (run === null) throw new Error('it was collected before')
  return run
}

describe('a bad blob that a machine meets', () => {
  it('fails in the ledger what was proven before and rests on it, although nobody collects', async () => {
    const before = await night.audit(['night-1'])
    await night.plan(1)
    const { contents } = await planned()
    const indexId = contents.find(({ group }) => group.indexName === 'growing')?.group.indexId ?? ''
    const proven = before.restores.filter(row => row.index === 'growing')
    expect(proven.map(row => row.verdict)).toEqual(['pass'])
    expect(contents.map(({ content }) => content.contentId)).not.toContain(proven[0]?.contentId)
    expect(await proofOf(indexId, proven[0]?.contentId ?? '')).toBe('pass')

    await night.work(0, {
      reader: rotten(indexId),
    })
    for (const { contentId } of proven) expect(await proofOf(indexId, contentId)).toBe('fail')
  })

  it('is told by every question to the ledger, although nobody collects', async () => {
    const before = await night.audit()
    expect((await standings()).overview.snapshotsRestorePass).toBeGreaterThan(0)
    await night.plan(1)
    const { plan } = await planned()
    expect(plan.children).toEqual([])
    const index = before.lastGood.find(one => one.index === 'growing')
    await withLedger(async ledger => {
      const catalogue = await openCatalogue(openStore(`file://${night.repository}`, { clock: systemClock }), { signal })
      const { repositoryData } = catalogue
      const indexId = repositoryData.indices.find(one => one.name === 'growing')?.id ?? ''
      const key = `indices/${indexId}/0/__blob`
      const snapshots = repositoryData.snapshots.map(one => one.uuid)
      const draft = { code: 'corrupt-data-blob', key, snapshots, index: 'growing', shard: 0, message: 'bad' } as const
      const context = { runId: plan.runId, repositoryData }
      const rows = condemnationRows(makeFinding(draft), [], Date.now(), context, ledger)
      await ledger.journal(plan.runId, rows, signal)
    })
    const now = await standings()
    expect(now.restore.map(row => [row.verdict, row.reason])).toEqual(
      before.snapshots.map(() => ['fail', 'lower-level-failed']),
    )
    expect(now.bytes.map(row => row.verdict)).toEqual(before.snapshots.map(() => 'fail'))
    expect(now.overview).toMatchObject({ snapshotsRestorePass: 0, snapshotsRestoreFail: before.snapshots.length })
    expect(index?.level).toBe('restore')
  })
})

/** `show` as it answers now, with what nobody has folded. */
async function standings() {
  const read = await readLedger(
    {
      repositoryName: 'test',
      store: openStore(`file://${night.ledger}`, { clock: systemClock }),
      file: join(night.ledger, '..', 'shown.sqlite'),
      log: silentLog,
      randomId: () => crypto.randomUUID(),
    },
    signal,
  )
  const scope = { atMs: null, nowMs: Date.now(), fromMs: null, toMs: null, snapshot: null, index: null }
  try {
    const { rows } = show(read.file, 'snapshots', scope)
    const facts = show(read.file, 'overview', scope).rows.map(row => [String(row.fact), row.value])
    const at = (level: string) => rows.filter(row => row.level === level)
    return { restore: at('restore'), bytes: at('bytes'), overview: Object.fromEntries(facts) }
  } finally {
    read.close()
  }
}

describe('evidence that cannot be written', () => {
  it('ends the run with 2 and takes nothing back that was proven', async () => {
    const run = await night.audit(null, given => {
      const { output } = given
      const write: typeof output.write = async (name, text) => {
        if (name.startsWith('evidence/')) throw new SnapproofError('disk-full', `no room for ${name}`)
        await output.write(name, text)
      }
      return { ...given, output: { ...output, write } }
    })
    expect(run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('no room for evidence/') })
    // Who has restored it, at a price, need not do so again; what was not begun is debt.
    const proven = run.contents?.proven ?? 0
    expect(proven).toBeGreaterThan(0)
    expect(run.debt.contents).toBe(9 - proven)
    const next = await night.audit()
    expect(next.restores).toHaveLength(9 - proven)
    expect(next.exit.code).toBe(0)
  })
})

describe('metadata of a snapshot that went bad after the plan', () => {
  const flipped =
    (isBad: (key: string) => boolean) =>
    (reader: BlobReader): BlobReader => ({
      ...reader,
      get: async (key, options) => {
        const found = await reader.get(key, options)
        if (!isBad(key)) return found
        async function* body() {
          for await (const chunk of found.body) yield Buffer.from(chunk).fill(0, chunk.length >> 1)
        }
        return { ...found, body: body() }
      },
      read: async (key, options) => {
        const found = await reader.read(key, options)
        return isBad(key) ? { ...found, bytes: Buffer.from(found.bytes).fill(0, found.bytes.length >> 1) } : found
      },
    })

  it.each(['shard', 'root'])('is told by the machine that met it, to the ledger and to collect: %s', async which => {
    await night.plan(1)
    const { plan, contents } = await planned()
    const one = contents.find(({ group }) => group.indexName === 'growing')
    const bad = plan.snapshots[one?.content.from ?? -1]
    const folder = which === 'shard' ? `indices/${one?.group.indexId}/0/` : ''
    const reader = flipped(key => key === `${folder}snap-${bad?.uuid}.dat`)
    const outcome = await night.work(0, { reader })
    expect(outcome.left).toBeGreaterThan(0)
    const told = (await standings()).restore.filter(row => row.uuid === bad?.uuid)
    expect(told.map(row => row.verdict)).toEqual(['fail'])
    const run = runOf(await night.collect())
    expect(run.findings.map(finding => finding.code)).toContain('corrupt-metadata-blob')
    expect(run.snapshots.find(({ uuid }) => uuid === bad?.uuid)?.levels.restore?.verdict).toBe('fail')
    expect(run.array?.children[0]?.reason).toBe('not-yet-verified')
    expect(run.exit.code).toBe(1)
  })
})

describe('a result whose machine died before its journal', () => {
  it.each(['its next attempt', 'collect'])('does not cure what failed since: %s', async who => {
    await night.plan(1)
    const { plan, contents } = await planned()
    let kept = ''
    const dies: NonNullable<Parameters<ArrayNight['work']>[1]> = {
      writer: inner => ({
        ...inner,
        putIfAbsent: async (key, bytes, options) => {
          const written = await inner.putIfAbsent(key, bytes, options)
          kept = /\/contents\/(\d+)\.json$/.exec(key)?.[1] ?? ''
          if (kept !== '') throw new Error('the machine is gone')
          return written
        },
      }),
    }
    await expect(night.work(0, dies)).rejects.toThrow('the machine is gone')
    const one = contents.find(({ content }) => content.number === Number(kept))
    if (one === undefined) throw new Error(`no content ${kept}`)
    const { group, content } = one
    const [snapshot] = [plan.snapshots[content.from]]
    // A machine beside it finds a blob bad that the content rests on.
    const failed = contentRow({
      runId: plan.runId,
      contentId: content.contentId,
      indexId: group.indexId,
      indexName: group.indexName,
      snapshot: snapshot?.name ?? '',
      snapshotUuid: snapshot?.uuid ?? '',
      verdict: 'fail',
      reason: 'lower-level-failed',
      atMs: Date.now(),
    })
    await withLedger(ledger => ledger.journal(plan.runId, [failed], signal))
    if (who === 'collect') await night.collect()
    else await night.work(0)
    expect(await withLedger(ledger => ledger.holdsJournal(journalOf(plan, content.number)))).toBe(true)
    expect(await proofOf(group.indexId, content.contentId)).toBe('fail')
  })
})

describe('a night in which no machine could judge anything', () => {
  it('could not do its work, although every content has a result', async () => {
    await night.plan(1)
    const down = (reader: BlobReader): BlobReader => ({
      ...reader,
      get: async (key, options) => {
        if (key.startsWith('indices/')) throw new SnapproofError('unavailable', `${key} is not to be had`)
        return reader.get(key, options)
      },
    })
    await night.work(0, { reader: down })
    const run = runOf(await night.collect())
    expect(run.restores.map(row => row.verdict)).toEqual(Array.from({ length: 9 }, () => 'inconclusive'))
    expect(run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('no planned content could be judged') })
  })
})

describe('an array that is collected late', () => {
  it('accuses nobody of what a run has proven good since', async () => {
    await night.plan(1)
    const { contents } = await planned()
    const indexId = contents.find(({ group }) => group.indexName === 'growing')?.group.indexId ?? ''
    expect((await night.work(0, { reader: rotten(indexId) })).failed).toBeGreaterThan(0)
    // The deadline has passed, and what was bad is good again.
    const path = join(night.ledger, 'lease.json')
    const { plan: _, ...held } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...held, state: 'released', nonce: 'over' }))
    const between = await night.audit()
    expect(between.contents).toEqual({ total: 9, proven: 9 })
    const run = runOf(await night.collect())
    expect(run.findings.filter(finding => finding.severity === 'error')).toEqual([])
    expect(run.contents).toEqual({ total: 9, proven: 9 })
    expect(run.exit.code).toBe(0)
    const restores = (of: RunResult) => of.snapshots.map(one => one.levels.restore?.verdict)
    expect(restores(run)).toEqual(restores(between))
    expect(restores(run)).not.toContain('fail')
  })
})

describe('a plan that nobody collected by its deadline', () => {
  const expire = () => {
    const twoHoursAgo = Date.now() / 1000 - 7200
    return utimes(join(night.ledger, 'lease.json'), twoHoursAgo, twoHoursAgo)
  }

  it('is collected by the next run, with a report of the array', async () => {
    await night.plan(2)
    const { plan } = await planned()
    const done = await night.work(0)
    expect(await night.collectOverdue()).toEqual([])
    await expire()
    expect(await night.collectOverdue()).toEqual([plan.runId])
    const run = parseRun(await readFile(join(night.ledger, '..', 'runs', plan.runId, 'run.json'), 'utf8'))
    expect(run.array?.children).toMatchObject([
      { status: 'done', proven: done.proven },
      { status: 'absent', proven: 0 },
    ])
    expect(runsOf(await standings())).toBe(1)
    // The run that follows has its lease, restores the rest, and nothing is collected twice.
    const next = await night.audit()
    expect(next.restores).toHaveLength(9 - done.proven)
    expect(await night.collectOverdue()).toHaveLength(2)
    expect((await night.collect()).before).toMatchObject({ runId: plan.runId })
  })

  it('keeps no run from its work when it cannot be collected', async () => {
    await night.plan(1)
    await night.work(0)
    await rm(join(night.ledger, 'arrays/one/plan.json'))
    await expire()
    expect(await night.collectOverdue()).toEqual([])
    expect((await night.audit()).contents).toEqual({ total: 9, proven: 9 })
  })
})
const runsOf = ({ overview }: Awaited<ReturnType<typeof standings>>) => overview.runs

describe('a collect whose machine was lost', () => {
  it('is done by the next one, which waits for the lease that the lost one held', async () => {
    await night.plan(1)
    const { plan } = await planned()
    await night.work(0)
    const path = join(night.ledger, 'lease.json')
    const { plan: _, ...held } = JSON.parse(await readFile(path, 'utf8'))
    const lost = { ...held, runId: plan.runId, owner: 'lost:1', fence: held.fence + 1, leaseSeconds: 1, nonce: 'lost' }
    await writeFile(path, JSON.stringify(lost))
    expect(runOf(await night.collect()).contents).toEqual({ total: 9, proven: 9 })
  })

  it('says what is so now, although the lost one had said already how the run ended', async () => {
    await night.plan(1)
    await night.collect()
    expect((await standings()).overview).toMatchObject({ snapshotsRestorePass: 0, runs: 1 })
    // It never delivered, and a machine that was thought lost comes to its end meanwhile.
    await rm(join(night.ledger, 'arrays/one/collected.json'))
    await night.work(0)
    const run = runOf(await night.collect())
    const { overview, restore } = await standings()
    expect(overview).toMatchObject({ runs: 1, debtContents: 0, lastExitCode: run.exit.code })
    const verdicts = run.snapshots.map(({ uuid, levels }) => [uuid, levels.restore?.verdict]).sort()
    expect(restore.map(row => [row.uuid, row.verdict]).sort()).toEqual(verdicts)
    expect(verdicts.map(([, verdict]) => verdict)).toContain('pass')
  })

  it('does not wait for one that lives any longer than a lease lasts', async () => {
    await night.plan(1)
    const path = join(night.ledger, 'lease.json')
    const { plan: _, ...held } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...held, owner: 'other:1', leaseSeconds: 3600, nonce: 'other' }))
    await expect(night.collect({ 'ledger.leaseSeconds': '10s' })).rejects.toMatchObject({ code: 'lease-held' })
  })
})
