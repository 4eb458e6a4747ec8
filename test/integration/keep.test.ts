/**
 * `verify --keep`, the real program: a restore that fails stays in its server, every address that is named answers, and nothing
 * of it outlives Ctrl-C or a killed program.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { errorsOf, fixture, readRun } from '../support/auditRun.ts'
import { damageInside } from '../support/luceneDamage.ts'
import { noneLeftWith, type Running, runProgram, startProgram, writeSetup } from '../support/program.ts'
import { filesOf, indexIdOf, inspectFolder } from '../support/repositoryFiles.ts'

let folder = ''
let config = ''
const runs: Running[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-keep-'))
  const repository = join(folder, 'repository')
  await cp(fixture, repository, { recursive: true })
  const seen = await inspectFolder(repository)
  const uuid = seen.snapshots.find(one => one.name === 'night-1')?.uuid ?? ''
  // With good checksums, so that a server is asked: a blob that is bad for us is accused without one.
  const shard = join(repository, 'indices', indexIdOf(seen, 'night-1', 'growing'), '0')
  await damageInside(shard, uuid, 'fnm', () => 0)
  config = await writeSetup(folder, { repository: `file://${repository}` })
})
afterAll(async () => {
  for (const run of runs) run.kill('SIGKILL')
  await noneLeftWith(folder)
  await rm(folder, { recursive: true, force: true })
})

const work = () => join(folder, 'work')

/** Resolves when the program waits, with what it told. */
async function keepOne(out: string): Promise<{ readonly run: Running; readonly urls: readonly string[] }> {
  const run = startProgram(['verify', 'night-1', '--keep', '1', '--config', config, '--out', join(folder, out)])
  runs.push(run)
  await run.says(/kept until \d{4}-.*Ctrl-C/)
  const urls = [...run.told().matchAll(/^ {2}curl '([^']+)'$/gm)].map(([, url = '']) => url)
  return { run, urls }
}

it('shows the failed restore at every address that it names until Ctrl-C, and leaves nothing', async () => {
  const { run, urls } = await keepOne('interrupted')
  expect(run.told()).toMatch(/^kept: growing of night-1 in elasticsearch .* at http:\S+ shard 0: .*\[slice=_0\.fnm\]/m)
  expect(urls.map(url => /[/_](shards|recovery|stats|search)\b/.exec(url)?.[1])).toEqual([
    'shards',
    'recovery',
    'stats',
    'search',
  ])
  const answers = await Promise.all(
    urls.map(async url => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) })
      return { status: answer.status, text: await answer.text() }
    }),
  )
  // Two shards of three are searched.
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const [shards, recovery, stats, search] = answers.map(({ text }) => text)
  expect(shards).toMatch(/ 0 +p +UNASSIGNED +ALLOCATION_FAILED [\s\S]*CorruptIndexException/)
  expect(shards).toMatch(/ 1 +p +STARTED/)
  expect(recovery).toMatch(/ 1 +\S+ +snapshot +done /)
  expect(JSON.parse(stats ?? '')._shards).toMatchObject({ successful: 2 })
  expect(JSON.parse(search ?? '').hits.hits).toHaveLength(1)

  run.kill('SIGINT')
  const { code, stderr } = await run.ended
  expect(stderr).toMatch(/^stopped; what was kept is removed$/m)
  // What was found counts, not how the look ended.
  expect(code).toBe(1)
  expect(errorsOf(await readRun(join(folder, 'interrupted')))).toMatchObject([
    { code: 'restore-shard-failed', index: 'growing', shard: 0 },
  ])
  await noneLeftWith(folder)
  await expect(fetch(urls[0] ?? '', { signal: AbortSignal.timeout(30_000) })).rejects.toThrow()
  expect(await filesOf(work())).toEqual([])
})

it.skipIf(!process.env.SNAPPROOF_ENGINES_FULL)(
  'outlives no killed program, and the next run removes the rest',
  async () => {
    const { run } = await keepOne('killed')
    run.kill('SIGKILL')
    await run.ended
    await noneLeftWith(folder)
    expect(await filesOf(work())).not.toEqual([])
    expect(await runProgram(['plan', '--config', config])).toMatchObject({ code: 0 })
    expect(await filesOf(work())).toEqual([])
  },
)
