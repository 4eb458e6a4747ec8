/** What must hold of an array whatever happens to its machines, its repository and its plan. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlobReader } from '../../../src/blobs/port.ts'
import type { OpenPlan } from '../../../src/model/openPlan.ts'
import { contentsOf } from '../../../src/run/array/part.ts'
import { damaged } from '../../suites/wholeAudit.ts'
import { filesOf, flipBitOf } from '../../support/repositoryFiles.ts'
import { type ArrayNight, arrayNight, expire } from './night.ts'

let night: ArrayNight
beforeEach(async () => {
  night = await arrayNight()
})
afterEach(() => night.close())

const folder = () => join(night.ledger, 'arrays', 'one')
const journals = async () => (await filesOf(night.ledger)).filter(name => name.startsWith('journals/'))
async function journalsOfContents(): Promise<string[]> {
  const { runId } = await night.readPlan()
  return (await journals()).filter(name => new RegExp(`-${runId}-\\d+\\.json$`).test(name))
}
const runOf = (outcome: Awaited<ReturnType<ArrayNight['collect']>>) => {
  if (outcome.run === null) throw new Error('it was collected before')
  return outcome.run
}
/** The machine that was given this content. */
const childWith = (plan: OpenPlan, index: string, snapshot: string) =>
  plan.children.findIndex(child =>
    contentsOf(child).some(
      ({ group, content }) => group.indexName === index && plan.snapshots[content.from]?.name === snapshot,
    ),
  )

describe('an array', () => {
  it('that is planned twice at one place is one plan; another one has to wait', async () => {
    const first = await night.plan(3)
    const again = await night.plan(5)
    expect(again).toEqual({ summary: first.summary, existed: true })
    await expect(night.audit()).rejects.toMatchObject({ code: 'lease-held' })
    expect(await journalsOfContents()).toEqual([])
  })

  it('restores each content once where two attempts of one machine work at the same time', async () => {
    await night.plan(2)
    // Both have restored their first content before either may keep it.
    let came = 0
    let open = () => {}
    const both = new Promise<void>(resolve => {
      open = resolve
    })
    const writer: Parameters<ArrayNight['work']>[1] = {
      writer: inner => ({
        ...inner,
        putIfAbsent: async (key, bytes, options) => {
          if (/\/contents\/\d+\.json$/.test(key)) {
            if (++came === 2) open()
            await both
          }
          return inner.putIfAbsent(key, bytes, options)
        },
      }),
    }
    const outcomes = await Promise.all([night.work(0, writer), night.work(0, writer)])
    const [plan] = [await night.readPlan()]
    const given = contentsOf(plan.children[0] as OpenPlan['children'][number])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ proven: given.length, left: 0, trouble: null })
    expect(await journalsOfContents()).toHaveLength(given.length)
    expect((await readdir(join(folder(), 'children', '0', 'contents'))).sort()).toEqual(
      given.map(({ content }) => `${content.number}.json`).sort(),
    )
    const run = runOf(await night.collect())
    expect(run.restores).toHaveLength(given.length)
    expect(run.restores.map(({ method, source }) => [method, source])).toEqual(given.map(() => ['restore', 'mirror']))
    expect(run.array?.children).toMatchObject([
      { status: 'done', attempts: 2, proven: given.length },
      { status: 'absent', attempts: 0, left: 9 - given.length, reason: 'it never began' },
    ])
  })

  it('keeps a result whose machine died before its journal was stored', async () => {
    await night.plan(1)
    let gone = false
    const dies: Parameters<ArrayNight['work']>[1] = {
      writer: inner => ({
        ...inner,
        putIfAbsent: async (key, bytes, options) => {
          if (gone) throw new Error('the machine is gone')
          gone = /\/contents\//.test(key)
          const written = await inner.putIfAbsent(key, bytes, options)
          if (gone) throw new Error('the machine is gone')
          return written
        },
      }),
    }
    await expect(night.work(0, dies)).rejects.toThrow('the machine is gone')
    expect(await journalsOfContents()).toEqual([])
    const run = runOf(await night.collect())
    expect(run.restores).toHaveLength(1)
    expect(await journalsOfContents()).toHaveLength(1)
    expect(run.debt.contents).toBe(8)
    expect(run.contents).toEqual({ total: 9, proven: 1 })
    expect(run.array?.children[0]).toMatchObject({ status: 'lost', proven: 1, left: 8 })
    // One proof makes no night that did its work.
    expect(run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('8 of 9 planned contents are lost') })
  })

  it('without a single result is a night that could not work, and puts that into its exit code', async () => {
    await night.plan(2)
    const run = runOf(await night.collect())
    expect(run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('it never began') })
    expect(run.snapshots.every(snapshot => snapshot.levels.restore?.verdict !== 'pass')).toBe(true)
    expect(run.debt.contents).toBe(9)
  })

  it('that owes nothing needs no machine, and is collected all the same', async () => {
    const before = await night.audit()
    expect(before.debt.contents).toBe(0)
    expect((await night.plan(4)).summary).toMatchObject({ children: 0, contents: 0 })
    const run = runOf(await night.collect())
    expect(run.exit.code).toBe(0)
    expect(run.restores).toEqual([])
    // The lease is free again.
    expect((await night.audit()).exit.code).toBe(0)
  })
})

describe('a bad blob', () => {
  it('that a machine meets is told once, fails what rests on it, and nothing else', async () => {
    await flipBitOf(join(night.repository, damaged.blob))
    await night.plan(3)
    const plan = await night.readPlan()
    for (const child of plan.children.keys()) expect((await night.work(child)).trouble).toBeNull()
    const run = runOf(await night.collect())
    expect(run.exit.code).toBe(1)
    const errors = run.findings.filter(finding => finding.severity === 'error')
    expect(errors).toMatchObject([{ code: 'corrupt-data-blob', key: damaged.blob, index: damaged.index }])
    const failed = run.verdicts.filter(row => row.level === 'restore' && row.verdict === 'fail' && row.index !== null)
    expect(failed.map(row => [row.index, row.snapshot])).toEqual([[damaged.index, damaged.snapshot]])
    expect(run.array?.children.reduce((sum, child) => sum + child.failed, 0)).toBe(1)
    expect(run.restores).toHaveLength(8)
    // A second attempt of the machine knows that it is done.
    const again = await night.work(childWith(plan, damaged.index, damaged.snapshot))
    expect(again).toMatchObject({ proven: 0, failed: 0 })
  })

  it('fails what was proven before and rests on it, too', async () => {
    const first = await night.audit(['night-1'])
    expect(first.restores.map(row => row.index)).toContain('growing')
    await night.plan(2)
    const plan = await night.readPlan()
    // The blob that a planned content of `growing` shares with the one that was proven rots without a trace in the listing.
    const shared = await blobsOf('growing')
    for (const child of plan.children.keys()) await night.work(child, { reader: reader => rotten(reader, shared) })
    const run = runOf(await night.collect())
    expect(run.exit.code).toBe(1)
    const failed = run.verdicts.filter(row => row.level === 'restore' && row.verdict === 'fail' && row.index !== null)
    expect(new Set(failed.map(row => row.index))).toEqual(new Set(['growing']))
    expect(failed.map(row => row.snapshot)).toContain('night-1')
    expect(failed).toHaveLength(4)
  })

  /** Keys of the data blobs of an index. */
  async function blobsOf(index: string): Promise<Set<string>> {
    const { children } = await night.readPlan()
    const id = children.flatMap(contentsOf).find(({ group }) => group.indexName === index)?.group.indexId
    const names = await filesOf(join(night.repository, 'indices', id ?? ''))
    return new Set(names.filter(name => /\/__/.test(name)).map(name => `indices/${id}/${name}`))
  }

  function rotten(reader: BlobReader, keys: ReadonlySet<string>): BlobReader {
    return {
      ...reader,
      get: async (key, options) => {
        const found = await reader.get(key, options)
        if (!keys.has(key)) return found
        async function* body() {
          for await (const chunk of found.body) {
            const bytes = Buffer.from(chunk)
            if (bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
            yield bytes
          }
        }
        return { ...found, body: body() }
      },
    }
  }
})

describe('a snapshot that retention deletes', () => {
  it('before a machine gets to it is expired: it is left, and nothing else is', async () => {
    await night.plan(1)
    const gone = (plan: OpenPlan): OpenPlan => ({
      ...plan,
      snapshots: plan.snapshots.map(one => (one.name === 'night-2' ? { ...one, uuid: 'gone' } : one)),
    })
    const plan = await night.readPlan()
    const hit = contentsOf(plan.children[0] as OpenPlan['children'][number]).filter(
      ({ content }) => plan.snapshots[content.from]?.name === 'night-2',
    )
    expect(hit.length).toBeGreaterThan(0)
    const outcome = await night.work(0, { plan: gone })
    expect(outcome).toMatchObject({ proven: 9 - hit.length, failed: 0, left: hit.length, trouble: null })
    const run = runOf(await night.collect())
    expect(run.array?.children[0]).toMatchObject({ status: 'stopped', left: hit.length, reason: 'expired' })
    expect(run.debt.contents).toBe(hit.length)
  })

  it('before it is collected owes nothing, and what was found of it accuses nobody', async () => {
    await flipBitOf(join(night.repository, damaged.blob))
    await night.plan(1)
    expect(await night.work(0)).toMatchObject({ proven: 8, failed: 1 })
    await expire(night.repository, damaged.snapshot)
    const run = runOf(await night.collect())
    expect(run.repository.generation).toBe(6)
    expect(run.snapshots.map(snapshot => snapshot.name)).not.toContain(damaged.snapshot)
    expect(run.findings.filter(finding => finding.severity === 'error')).toEqual([])
    expect(run.debt.contents).toBe(0)
    expect(run.exit.code).toBe(0)
  })

  it('while a machine reads it accuses nobody: the generation is looked at before a failure is written down', async () => {
    await flipBitOf(join(night.repository, damaged.blob))
    await night.plan(1)
    let expired = false
    const outcome = await night.work(0, {
      reader: reader => ({
        ...reader,
        get: async (key, options) => {
          if (key === damaged.blob && !expired) {
            expired = true
            await expire(night.repository, damaged.snapshot)
          }
          return reader.get(key, options)
        },
      }),
    })
    expect(expired).toBe(true)
    expect(outcome).toMatchObject({ failed: 0, left: 1, trouble: null })
    const run = runOf(await night.collect())
    expect(run.findings.filter(finding => finding.severity === 'error')).toEqual([])
    expect(run.exit.code).toBe(0)
  })
})

describe('a plan', () => {
  it.each([
    [
      'the engine elasticsearch',
      (plan: OpenPlan) => ({ ...plan, engines: plan.engines.map(one => ({ ...one, version: '9.5.2' })) }),
    ],
    ['policy.credit', (plan: OpenPlan) => ({ ...plan, credit: 'strict' as const })],
    [
      'the URL of the repository',
      (plan: OpenPlan) => ({ ...plan, repository: { ...plan.repository, url: 's3://other/base' } }),
    ],
  ])('is refused where %s is another', async (what, change) => {
    await night.plan(1)
    await expect(night.work(0, { plan: change })).rejects.toMatchObject({
      code: 'configuration',
      exitCode: 64,
      message: expect.stringContaining(what),
    })
    // It has not even begun.
    expect(await readdir(folder())).not.toContain('children')
  })

  it('is refused where the repository was replaced', async () => {
    await night.plan(1)
    const other = (plan: OpenPlan) => ({ ...plan, repository: { ...plan.repository, uuid: 'another' } })
    await expect(night.work(0, { plan: other })).rejects.toMatchObject({ code: 'configuration', exitCode: 64 })
    await expect(night.work(1)).rejects.toMatchObject({ code: 'usage', exitCode: 64 })
  })

  it('takes no result for a content that it is not about', async () => {
    await night.plan(2)
    const plan = await night.readPlan()
    await night.work(0)
    const contents = join(folder(), 'children', '1', 'contents')
    await mkdir(contents, { recursive: true })
    const [own] = await readdir(join(folder(), 'children', '0', 'contents'))
    const forged = await import('node:fs/promises').then(fs =>
      fs.readFile(join(folder(), 'children', '0', 'contents', own ?? '')),
    )
    const [first, second] = contentsOf(plan.children[1] as OpenPlan['children'][number])
    await writeFile(join(contents, `${first?.content.number}.json`), forged)
    await writeFile(join(contents, `${second?.content.number}.json`), '{"verdict":"pass"}')
    const given = contentsOf(plan.children[0] as OpenPlan['children'][number]).length
    const run = runOf(await night.collect())
    expect(run.restores).toHaveLength(given)
    expect(run.contents?.proven).toBe(given)
    const db = new Database(join(night.ledger, '..', 'ledger.sqlite'), { readonly: true })
    expect(db.prepare("SELECT count(*) AS n FROM content_row WHERE verdict = 'pass'").get()).toEqual({ n: given })
    db.close()
  })
})
