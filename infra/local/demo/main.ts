/**
 * `npm run demo`: the product's story on real parts. A real Elasticsearch writes snapshots into a folder that a local S3
 * serves as a bucket; four nights are audited by the real program in its own processes.
 *
 * Exits with 0 when every night ended as the story says, and leaves nothing but reports/demo.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import process from 'node:process'
import { execa } from 'execa'
import type { RunResult } from '../../../src/model/run.ts'
import { parseRun } from '../../../src/report/run-json.ts'
import { systemClock } from '../../../src/time.ts'
import { startLocalS3 } from '../s3/server.ts'
import { flipBit } from './damage.ts'
import { days, snapshotOf } from './fill.ts'
import { expectThat, indent, say } from './say.ts'
import { takeEmptied, takeSnapshotsAndStay, writeConfig } from './setup.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')
const bucket = 'demo-bucket'
const base = 'production'
const nights = ['night-1', 'night-2', 'emptied', 'damage']
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new Error(name)))

const started = systemClock.monotonicMs()
const work = await mkdtemp(join(tmpdir(), 'snapproof-demo-'))
const repositoryFolder = join(work, 's3', bucket, base)
try {
  await story()
} finally {
  await rm(work, { recursive: true, force: true })
}

async function story(): Promise<void> {
  say('1. A real Elasticsearch 9.5.3 is filled, and snapshots are taken on five simulated days')
  const cluster = await takeSnapshotsAndStay({ work, bucket, base, signal: stop.signal, say })
  let s3: Awaited<ReturnType<typeof startLocalS3>> | null = null
  try {
    s3 = await startLocalS3({ root: join(work, 's3'), readOnly: [`${bucket}/${base}`] })
    say(`   The snapshots lie in s3://${bucket}/${base}, served by a local S3 that lets nobody write there`)
    const config = await writeConfig({ work, bucket, base, endpointUrl: s3.endpointUrl })
    await rm(join(root, 'reports', 'demo'), { recursive: true, force: true })

    say('2. Night 1: audit with a limit of two snapshots')
    const first = await night('night-1', config, ['--max-snapshots', '2'])
    expect(first, 0, 'night 1 proves what it restored and finds nothing wrong')
    expectThat(first.debt.contents > 0, 'night 1 leaves debt behind its limit')

    say('3. Night 2: the ledger in the bucket says what is still in debt')
    const second = await night('night-2', config, [])
    expect(second, 0, 'night 2 catches up')
    expectThat(second.debt.contents === 0, 'no debt is left after night 2')
    expectThat(
      second.snapshots.every(s => s.levels.restore?.verdict === 'pass'),
      'every snapshot passes',
    )

    say(
      '4. Overnight a script makes the index orders again under its name. The snapshot is taken as ever, and restores',
    )
    const emptied = await takeEmptied(cluster, base)
    const noticed = await night('emptied', config, [])
    expect(noticed, 1, 'the emptied index is noticed in the first night')
    const told = noticed.findings.find(one => one.code === 'index-emptied')
    expectThat(told?.index === 'orders', `baseline: ${told?.message}`)
    const count = noticed.rules?.outcomes.find(one => one.index === 'orders' && one.verdict === 'fail')
    expectThat(count !== undefined, `rule ${count?.rule}: ${count?.message}`)
    expectThat(
      noticed.restores.some(one => one.index === 'orders' && one.snapshot === emptied && one.verdict === 'pass'),
      'the restore itself passed: without baseline and rule nobody would know',
    )
    const before = noticed.lastGood.find(one => one.index === 'orders')
    expectThat(before?.snapshot === snapshotOf(days[4]), `the last good snapshot of orders is ${before?.snapshot}`)
    await cluster.stop()

    // Customers stopped changing on day three, so that several snapshots share their blobs.
    const damage = await flipBit(repositoryFolder, await indexId('customers'))
    say(`5. One bit is flipped in the middle of ${damage.key}, and the last night looks`)
    const third = await night('damage', config, [])
    expect(third, 1, 'the damage is found')
    const finding = third.findings.find(one => one.key === damage.key)
    expectThat(finding?.code === 'corrupt-data-blob', 'the damaged blob is named')
    expectThat(
      (finding?.snapshots.length ?? 0) > 1,
      `the ${finding?.snapshots.length} snapshots that it hits are named`,
    )
    const last = third.lastGood.find(one => one.index === 'customers')
    expectThat(last?.snapshot === snapshotOf(days[1]), `the last good snapshot of customers is ${last?.snapshot}`)
    const others = await judgedOtherwise(config)
    expectThat(
      others.length === 0,
      `judged again offline, the evidence of ${nights.length} nights says the same${others}`,
    )
  } finally {
    await Promise.allSettled([cluster.stop(), s3?.close()])
  }
  const seconds = Math.round((systemClock.monotonicMs() - started) / 1000)
  say(`\nThe demo took ${seconds} s. Nothing is left running. Open the reports:`)
  for (const name of nights) say(`  ${relative(process.cwd(), join(root, 'reports', 'demo', name, 'report.html'))}`)
  say('\nLook at your own bucket (reads metadata only, needs s3:ListBucket and s3:GetObject):')
  say('  npm run snapproof -- inspect s3://YOUR-BUCKET/BASE/PATH')
}

/** One night is one process of the real program. */
async function night(name: string, config: string, flags: readonly string[]): Promise<RunResult> {
  const out = join(root, 'reports', 'demo', name)
  const program = [
    '--import',
    'tsx',
    join(root, 'src', 'main.ts'),
    'audit',
    '--config',
    config,
    '--out',
    out,
    '--log',
    'plain',
    ...flags,
  ]
  const { stdout, stderr, exitCode } = await execa(process.execPath, program, {
    cwd: root,
    env: { AWS_ACCESS_KEY_ID: 'demo', AWS_SECRET_ACCESS_KEY: 'demo-secret', AWS_REGION: 'us-east-1' },
    cancelSignal: stop.signal,
    gracefulCancel: false,
    forceKillAfterDelay: 15_000,
    reject: false,
    maxBuffer: 10_000_000,
  })
  stop.signal.throwIfAborted()
  say(indent(stdout))
  try {
    return parseRun(await readFile(join(out, 'run.json'), 'utf8'))
  } catch (error) {
    throw new Error(`${name} ended with ${exitCode} and left no run.json:\n${stderr}`, { cause: error })
  }
}

/** What `snapproof judge` says otherwise than the nights did. */
async function judgedOtherwise(config: string): Promise<string[]> {
  const judged = nights.map(async name => {
    const folder = join(root, 'reports', 'demo', name)
    const program = ['--import', 'tsx', join(root, 'src', 'main.ts'), 'judge', folder, '--config', config, '--json']
    // Its exit code is that of the verdicts.
    const options = { cwd: root, cancelSignal: stop.signal, reject: false, maxBuffer: 10_000_000 }
    const { stdout } = await execa(process.execPath, program, options)
    stop.signal.throwIfAborted()
    const { differences, notes } = JSON.parse(stdout) as { differences: string[]; notes: string[] }
    return [...differences, ...notes].map(text => `${name}: ${text}`)
  })
  return (await Promise.all(judged)).flat()
}

async function indexId(index: string): Promise<string> {
  const program = [
    '--import',
    'tsx',
    join(root, 'src', 'main.ts'),
    'inspect',
    `file://${repositoryFolder}`,
    '--json',
    '--index',
    index,
  ]
  const { stdout } = await execa(process.execPath, program, { cwd: root, cancelSignal: stop.signal })
  const found = JSON.parse(stdout) as { snapshots: { indices: { name: string; id: string }[] }[] }
  const id = found.snapshots.flatMap(snapshot => snapshot.indices).find(one => one.name === index)?.id
  if (id === undefined) throw new Error(`the repository holds no index ${index}`)
  return id
}

function expect(run: RunResult, code: number, what: string): void {
  expectThat(run.exit.code === code, `${what} (exit code ${code}, got ${run.exit.code}: ${run.exit.reason})`)
}
