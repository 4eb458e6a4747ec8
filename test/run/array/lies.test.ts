/** What an array must not forget and must not believe, whoever of its machines came to its end and in which order. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/blobs/open.ts'
import type { BlobReader } from '../../../src/blobs/port.ts'
import { SnapproofError } from '../../../src/errors.ts'
import { openLedger } from '../../../src/ledger/open.ts'
import type { LedgerSession } from '../../../src/ledger/port.ts'
import { silentLog } from '../../../src/log.ts'
import type { RunResult } from '../../../src/model/run.ts'
import { contentsOf, journalOf } from '../../../src/run/array/part.ts'
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

  it('does not wait for one that lives any longer than a lease lasts', async () => {
    await night.plan(1)
    const path = join(night.ledger, 'lease.json')
    const { plan: _, ...held } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...held, owner: 'other:1', leaseSeconds: 3600, nonce: 'other' }))
    await expect(night.collect({ 'ledger.leaseSeconds': '10s' })).rejects.toMatchObject({ code: 'lease-held' })
  })
})
