/**
 * `npm run array`: one night on four machines. A real Elasticsearch writes the demo's repository into a folder that a local S3 serves; the plan is
 * shared among four children, each a process of the real program with its own server; one of them is killed in the middle of its work.
 *
 * Exits with 0 when everything ended as the story says, and leaves nothing but reports/array.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import process from 'node:process'
import type { RunResult } from '../../../src/model/run.ts'
import { parseRun } from '../../../src/report/run-json.ts'
import { systemClock } from '../../../src/time.ts'
import { expectThat, indent, say } from '../demo/say.ts'
import { takeSnapshots, writeConfig } from '../demo/setup.ts'
import { startLocalS3 } from '../s3/server.ts'
import { type BatchOptions, collect, plan, type Started, start, workOff } from './batch.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')
const reports = join(root, 'reports', 'array')
const bucket = 'demo-bucket'
const base = 'production'
const killed = 2
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new Error(name)))

const started = systemClock.monotonicMs()
const work = await mkdtemp(join(tmpdir(), 'snapproof-array-'))
try {
  await story()
} finally {
  await rm(work, { recursive: true, force: true })
}

async function story(): Promise<void> {
  say('1. A real Elasticsearch 9.5.3 is filled, and snapshots are taken on five simulated days')
  await takeSnapshots({ work, bucket, base, signal: stop.signal, say })
  let victim: Started | null = null
  const results = new Set<string>()
  const s3 = await startLocalS3({
    root: join(work, 's3'),
    readOnly: [`${bucket}/${base}`],
    hooks: {
      // The machine dies when its first result is kept and before its second is.
      onRequest: ({ method, key }) => {
        if (method !== 'PUT' || !key.includes(`/children/${killed}/contents/`)) return undefined
        results.add(key)
        if (results.size < 2) return undefined
        victim?.kill()
        return { kind: 'silence' }
      },
    },
  })
  try {
    const config = await writeConfig({ work, bucket, base, endpointUrl: s3.endpointUrl })
    const environment = { AWS_ACCESS_KEY_ID: 'demo', AWS_SECRET_ACCESS_KEY: 'demo-secret', AWS_REGION: 'us-east-1' }
    const options: BatchOptions = { config, environment, signal: stop.signal }
    await rm(reports, { recursive: true, force: true })

    say('2. The debt of the repository is planned for four machines; the plan holds the lease')
    const planned = await plan(options, 4)
    expectThat(planned.children === 4, `${planned.contents} contents are shared among ${planned.children} machines`)
    const refused = await start(['audit'], options).ended
    expectThat(refused.code === 3 && refused.stderr.includes(planned.url), 'an audit leaves with 3 and names the plan')

    say(
      `3. Four children work, two at a time, each with a server of its own; child ${killed} is killed after its first result`,
    )
    const children = await workOff(options, planned.url, {
      children: 4,
      attempts: 1,
      machines: 2,
      onStart: (child, _attempt, process) => {
        say(`   child ${child} begins`)
        if (child === killed) victim = process
      },
    })
    const codes = children.map(({ code }) => code)
    const wanted = [0, 1, 2, 3].map(child => (child === killed ? null : 0))
    expectThat(JSON.stringify(codes) === JSON.stringify(wanted), `the others end well (${JSON.stringify(codes)})`)

    say('4. The array is collected: one report, and what the lost machine owes is debt')
    const collected = await collect(options, planned.url, join(reports, 'collected')).ended
    say(indent(collected.stdout))
    const run = await runOf('collected', collected.stderr)
    const lost = run.array?.children[killed]
    expectThat(
      lost?.status === 'lost' && lost.proven === 1,
      `child ${killed} is lost; the one content that it proved counts`,
    )
    expectThat(run.debt.contents === lost?.left, `its other ${lost?.left} contents are debt`)
    expectThat(run.restores.length === planned.contents - run.debt.contents, 'every other content was restored once')
    expectThat(run.restores.every(row => row.verdict === 'pass') && run.exit.code === 0, 'and passes')
    const again = await collect(options, planned.url, join(reports, 'again')).ended
    expectThat(again.code === 0 && again.stdout.startsWith('Nothing was done'), 'collecting it again does nothing')

    say('5. The next night restores what is owed, and nothing else')
    const night = await start(['audit', '--out', join(reports, 'night')], options).ended
    const second = await runOf('night', night.stderr)
    expectThat(second.exit.code === 0 && second.debt.contents === 0, 'no debt is left')
    expectThat(second.restores.length === run.debt.contents, `it restored ${second.restores.length} contents`)
    const all = [...run.restores, ...second.restores].map(row => `${row.index} ${row.contentId}`)
    expectThat(
      new Set(all).size === all.length && all.length === planned.contents,
      'each content was proven exactly once',
    )
  } finally {
    await s3.close()
  }
  const seconds = Math.round((systemClock.monotonicMs() - started) / 1000)
  say(`\nIt took ${seconds} s. Nothing is left running. Open the report:`)
  say(`  ${relative(process.cwd(), join(reports, 'collected', 'report.html'))}`)
}

async function runOf(name: string, stderr: string): Promise<RunResult> {
  stop.signal.throwIfAborted()
  try {
    return parseRun(await readFile(join(reports, name, 'run.json'), 'utf8'))
  } catch (error) {
    throw new Error(`${name} left no run.json:\n${stderr}`, { cause: error })
  }
}
