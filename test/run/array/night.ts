/** The steps of an array in this process: the adapters of the command line over folders, with a stand-in for the search server. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../../src/blobs/open.ts'
import type { BlobReader, BlobWriter } from '../../../src/blobs/port.ts'
import { prefixed } from '../../../src/blobs/prefixed.ts'
import { collectOverdue } from '../../../src/cli/arrayPlan.ts'
import { buildRun } from '../../../src/cli/context.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { silentLog } from '../../../src/log.ts'
import { openMirror } from '../../../src/mirror/mirror.ts'
import type { OpenPlan } from '../../../src/model/openPlan.ts'
import type { RunResult, SelfCheck } from '../../../src/model/run.ts'
import { type ChildOutcome, workChild } from '../../../src/run/array/child.ts'
import { type CollectOutcome, collectArray } from '../../../src/run/array/collect.ts'
import { ArrayFolder } from '../../../src/run/array/folder.ts'
import { type PlannedArray, planArray } from '../../../src/run/array/plan.ts'
import { type AuditOptions, audit } from '../../../src/run/audit.ts'
import type { RunDependencies } from '../../../src/run/dependencies.ts'
import { systemClock } from '../../../src/time.ts'
import { startStandInEngine } from '../../suites/standin/engine.ts'
import { fixture } from '../../suites/wholeAudit.ts'
import { mustJudgeAlike } from '../../support/judgeAlike.ts'

const { signal } = new AbortController()

export interface ArrayNight {
  /** The repository, a copy of the fixture; tests may write there. */
  readonly repository: string
  readonly ledger: string
  plan(children: number, settings?: Settings): Promise<PlannedArray>
  readPlan(): Promise<OpenPlan>
  work(child: number, through?: Through): Promise<ChildOutcome>
  collect(settings?: Settings): Promise<CollectOutcome>
  /** The evidence that a run left, judged again offline, says what the run said: throws where it does not. Without rules every run is asked. */
  mustJudgeAlike(run: RunResult): Promise<void>
  /** What every run does first. Resolves with the runs whose reports it left. */
  collectOverdue(): Promise<string[]>
  /** What the self-check of every run says from now on; null: the real one is asked. Until then nothing is missed. */
  setAuditor(selfCheck: SelfCheck | null): void
  /** Of these snapshots, whatever the ledger says; absent: the debt. */
  audit(only?: AuditOptions['only'], change?: (given: RunDependencies) => RunDependencies): Promise<RunResult>
  close(): Promise<void>
}

export interface Through {
  readonly reader?: (reader: BlobReader) => BlobReader
  /** Of the array's folder. */
  readonly writer?: (writer: BlobWriter) => BlobWriter
  readonly plan?: (plan: OpenPlan) => OpenPlan
}
export type Settings = Readonly<Record<string, string | number | boolean>>

/** @param rules YAML of the section `rules` */
export async function arrayNight(rules = ''): Promise<ArrayNight> {
  const folder = await mkdtemp(join(tmpdir(), 'snapproof-array-unit-'))
  const repository = join(folder, 'repository')
  const ledger = join(folder, 'ledger')
  await cp(fixture, repository, { recursive: true })
  await mkdir(ledger)
  const file = join(folder, 'snapproof.yaml')
  await writeFile(
    file,
    `repository: { name: test, url: 'file://${repository}' }
ledger: { url: 'file://${ledger}', file: ledger.sqlite }
engines: [{ name: elasticsearch, kind: distribution, version: 9.5.3, home: /nowhere }]
output: { folder: runs }
work: { folder: work, contents: 1, requests: 4 }
metrics: { enabled: false }
${rules}
`,
  )
  const openFolder = () => prefixed(openStore(`file://${ledger}`, { clock: systemClock }), 'arrays/one')
  const living = new Set<object>()
  let auditor: SelfCheck | null = { planted: 1, found: 1, seconds: 0, missed: [] }

  async function run<Result>(
    work: (dependencies: RunDependencies) => Promise<Result>,
    { settings = {}, runId, reader = one => one }: { settings?: Settings; runId?: string; reader?: Through['reader'] },
  ): Promise<Result> {
    const config = await loadConfig({ file, environment: {}, overrides: settings })
    const context = {
      environment: {},
      clock: systemClock,
      log: { ...silentLog, clear: () => {} },
      signal,
      print: () => {},
    }
    const { dependencies, close } = await buildRun(context, config, undefined, runId)
    const source = reader(dependencies.repository)
    const { mirrorFolder } = dependencies
    try {
      return await work({
        ...dependencies,
        selfCheck: async () => auditor ?? (await dependencies.selfCheck()),
        repository: source,
        openMirror: abort =>
          openMirror({
            source,
            folder: mirrorFolder,
            concurrency: 4,
            signal: abort,
            log: silentLog,
            clock: systemClock,
            freeBytesFloor: 0,
          }),
        startEngine: name =>
          startStandInEngine(
            {
              name,
              folder: join(mirrorFolder, '..'),
              clock: systemClock,
              onRequest: () => undefined,
              timeoutMs: 60_000,
            },
            living,
          ),
      })
    } finally {
      await close()
    }
  }

  async function judgeAlike(result: RunResult): Promise<void> {
    const config = await loadConfig({ file, environment: {}, overrides: {} })
    await mustJudgeAlike(join(folder, 'runs', result.runId), result, config)
  }

  const readPlan = () => new ArrayFolder(openFolder()).readPlan(signal)
  return {
    repository,
    ledger,
    readPlan,
    plan: (children, settings = {}) =>
      run(
        dependencies =>
          planArray(dependencies, {
            folder: new ArrayFolder(openFolder()),
            children,
            limits: dependencies.config.limits,
            deadlineSeconds: 3600,
          }),
        { settings },
      ),
    work: async (child, { reader, writer, plan: change } = {}) => {
      const read = await readPlan()
      const plan = change?.(read) ?? read
      const folder_ = new ArrayFolder(writer?.(openFolder()) ?? openFolder())
      return run(dependencies => workChild(dependencies, { folder: folder_, plan, child, owner: 'machine:1' }), {
        ...(reader === undefined ? {} : { reader }),
      })
    },
    collect: async (settings = {}) => {
      const plan = await readPlan()
      const folder_ = new ArrayFolder(openFolder())
      const outcome = await run(
        dependencies => collectArray(dependencies, { folder: folder_, plan, owner: 'machine:2' }),
        { settings, runId: plan.runId },
      )
      if (rules === '' && outcome.run !== null) await judgeAlike(outcome.run)
      return outcome
    },
    mustJudgeAlike: judgeAlike,
    setAuditor: selfCheck => {
      auditor = selfCheck
    },
    collectOverdue: async () => {
      const config = await loadConfig({ file, environment: {}, overrides: {} })
      const log = { ...silentLog, clear: () => {} }
      await collectOverdue({ environment: {}, clock: systemClock, log, signal, print: () => {} }, config)
      return readdir(join(folder, 'runs')).catch(() => [])
    },
    audit: async (only = null, change = undefined) => {
      const result = await run(
        given => audit(change?.(given) ?? given, { command: 'audit', only, limits: given.config.limits }),
        {},
      )
      // A changed part may keep evidence from being written.
      if (rules === '' && change === undefined) await judgeAlike(result)
      return result
    },
    close: async () => {
      await rm(folder, { recursive: true, force: true })
      if (living.size > 0) throw new Error(`${living.size} servers were not stopped`)
    },
  }
}

/** Writes the next generation of the repository, without a snapshot. Its blobs stay. */
export async function expire(repository: string, name: string): Promise<string> {
  const root = JSON.parse(await readFile(join(repository, 'index-5'), 'utf8'))
  const { uuid } = root.snapshots.find((snapshot: { name: string }) => snapshot.name === name)
  root.snapshots = root.snapshots.filter((snapshot: { uuid: string }) => snapshot.uuid !== uuid)
  for (const index of Object.values<{ snapshots: string[] }>(root.indices))
    index.snapshots = index.snapshots.filter(one => one !== uuid)
  await writeFile(join(repository, 'index-6'), JSON.stringify(root))
  const latest = Buffer.alloc(8)
  latest.writeBigInt64BE(6n)
  await writeFile(join(repository, 'index.latest'), latest)
  return uuid
}
