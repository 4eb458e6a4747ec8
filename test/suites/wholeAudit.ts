/**
 * Whole audits in this process: the adapters of the command line over a fixture, with a fault in one place. The repository holds one
 * planted damage, so that a pass of what rests on it would be seen. Store and repository are folders; the engine is the stand-in.
 */
import { mkdirSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore } from '../../src/blobs/open.ts'
import { prefixed } from '../../src/blobs/prefixed.ts'
import { buildRun } from '../../src/cli/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { isSnapproofError, SnapproofError } from '../../src/errors.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import { toMetricData } from '../../src/metrics/data.ts'
import { openMirror } from '../../src/mirror/mirror.ts'
import type { RunResult } from '../../src/model/run.ts'
import { workChild } from '../../src/run/array/child.ts'
import { collectArray } from '../../src/run/array/collect.ts'
import { ArrayFolder } from '../../src/run/array/folder.ts'
import { planArray } from '../../src/run/array/plan.ts'
import { audit } from '../../src/run/audit.ts'
import type { RunDependencies } from '../../src/run/dependencies.ts'
import { type Clock, systemClock } from '../../src/time.ts'
import { unlikeRun } from '../support/judgeAlike.ts'
import { flipBitOf } from '../support/repositoryFiles.ts'
import { withFaultyDisk } from './diskFaults.ts'
import { FaultPoint } from './faultPoint.ts'
import { faultyMetrics, faultyOutput, faultyReader, faultyWriter } from './portFaults.ts'
import { startStandInEngine } from './standin/engine.ts'
import type { WireFault } from './standin/server.mjs'

export const fixture = join(import.meta.dirname, '../fixtures/repositories/es-9.5/repository')

/** The content that rests on the damaged blob, and no other does. */
export const damaged = {
  index: 'growing',
  snapshot: 'night-2',
  blob: 'indices/9_0aKQRVRfyZEcli2EmO9w/0/__klfCKsvbRdmC87BoJTxbhA',
}

let selfCheck: ReturnType<RunDependencies['selfCheck']> | null = null

/** Waits are cut to a fiftieth: no wait of an audit is for anything but another's answer. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
}

export interface Outcome {
  /** Null: the audit threw. */
  readonly run: RunResult | null
  readonly error: unknown
  readonly exitCode: number
  /** Names of the metrics that were put, in order. */
  readonly metrics: readonly string[]
  /** What was wrong afterwards on the disk or in this process; empty is right. */
  readonly left: readonly string[]
  /** Where `judge` says something else of the evidence of the run; empty is right. */
  readonly unlike: readonly string[]
}

export interface NightOptions {
  readonly clock?: Clock
  /** By dotted path. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Awaited at the start of the engine. */
  readonly whileItRuns?: () => Promise<void>
  /** Another machine: its own local files. */
  readonly machine?: string
  /** `array`: planned for one machine, worked off and collected, each in a process of its own; as Step Functions goes on after a step that failed. */
  readonly as?: 'audit' | 'array'
}

export interface World {
  readonly folder: string
  readonly ledgerFolder: string
  readonly ledgerFile: string
  /** The ledger itself where there is no store; null: the store has it. */
  readonly localFile: string | null
  night(point?: FaultPoint, given?: NightOptions): Promise<Outcome>
}

export const noFault = (): FaultPoint => new FaultPoint({ port: 'none', kind: 'none', call: 0, lasting: false })

/** The fixture with its damage, shared by all worlds: no audit may write there. */
export async function damagedRepository(folder: string): Promise<string> {
  const repository = join(folder, 'repository')
  await cp(fixture, repository, { recursive: true })
  await flipBitOf(join(repository, damaged.blob))
  return repository
}

/** Stores behind the S3 driver instead of folders: the repository is in the bucket `repository`, the rest in `name`. */
export interface Buckets {
  readonly endpointUrl: string
  /** Folder of the buckets. */
  readonly root: string
  readonly name: string
}

/** A ledger, an output and a work folder of their own. */
export async function newWorld(
  folder: string,
  repository: string,
  buckets: Buckets | null = null,
  sync: 'store' | 'none' = 'store',
): Promise<World> {
  const ledgerFolder = buckets === null ? join(folder, 'ledger') : join(buckets.root, buckets.name, 'ledger')
  const urlOf = (what: string, path: string) =>
    buckets === null
      ? `url: 'file://${path}'`
      : `url: 's3://${what === 'base' ? 'repository' : `${buckets.name}/${what}`}', endpointUrl: '${buckets.endpointUrl}'`
  const own = join(folder, 'own')
  await mkdir(ledgerFolder, { recursive: true })
  await mkdir(join(folder, 'output'), { recursive: true })
  await mkdir(own)
  const file = join(folder, 'snapproof.yaml')
  await writeFile(
    file,
    `repository: { name: test, ${urlOf('base', repository)} }
ledger: { ${sync === 'none' ? 'sync: none' : urlOf('ledger', ledgerFolder)}, file: own/ledger.sqlite }
engines: [{ name: elasticsearch, kind: distribution, version: 9.5.3, home: /nowhere }]
output: { folder: own/runs, ${urlOf('output', join(folder, 'output'))} }
work: { folder: own/work, contents: 1, requests: 1 }
metrics: { enabled: false }
`,
  )

  async function night(point = noFault(), given: NightOptions = {}): Promise<Outcome> {
    const { settings = {}, whileItRuns, machine = 'own' } = given
    const own = join(folder, machine)
    await mkdir(own, { recursive: true })
    const paths = {
      'ledger.file': join(own, 'ledger.sqlite'),
      'output.folder': join(own, 'runs'),
      'work.folder': join(own, 'work'),
    }
    const config = await loadConfig({ file, environment: {}, overrides: { ...paths, ...settings } })
    const living = new Set<object>()
    const metrics: string[] = []
    const log = { ...silentLog, clear: () => {} }
    const { signal } = new AbortController()
    let run: RunResult | null = null
    let error: unknown = null
    let output = ''
    const randomId = () => crypto.randomUUID()
    const openShared = (clock: Clock) => {
      const { url = '', endpointUrl = null } = config.ledger.store ?? {}
      return openStore(url, { clock, ...(endpointUrl === null ? {} : { endpointUrl }) })
    }
    /** One process: what breaks in it is kept, and the first that broke is told. */
    const process_ = async (runId: string | undefined, work: (dependencies: RunDependencies) => Promise<void>) => {
      let close: (() => Promise<void>) | null = null
      try {
        const clock = given.clock ?? hurriedClock
        const context = { environment: process.env, clock, log, signal, print: () => {} }
        const built = await buildRun(context, config, undefined, runId)
        close = built.close
        output = built.dependencies.output.folder
        await work(withFaults(built.dependencies))
      } catch (caught) {
        error ??= caught
      }
      // As the program does it: what breaks here is said by the program and not by the audit.
      await close?.().catch((caught: unknown) => {
        error ??= caught
      })
    }
    const withFaults = (dependencies: RunDependencies): RunDependencies => {
      const { clock, mirrorFolder } = dependencies
      const repositoryReader = faultyReader(dependencies.repository, point, 'repository')
      const store = config.ledger.store === null ? null : faultyWriter(openShared(clock), point, 'ledger')
      const put = async (result: RunResult) => {
        metrics.push(...toMetricData(result, clock.nowMs()).map(datum => datum.MetricName ?? ''))
      }
      return {
        ...dependencies,
        // It asks nothing of any port, so no fault can reach it: once for all cases.
        selfCheck: () => {
          selfCheck ??= dependencies.selfCheck()
          return selfCheck
        },
        repository: repositoryReader,
        openLedger: ({ readOnly, journals = false, runId = dependencies.runId }) =>
          openLedger({
            repositoryName: 'test',
            store,
            file: config.ledger.file,
            runId,
            owner: 'suite:1',
            clock,
            log,
            leaseSeconds: config.ledger.leaseSeconds,
            randomId,
            signal,
            readOnly,
            journals,
          }),
        openMirror: abort =>
          openMirror({
            source: repositoryReader,
            folder: mirrorFolder,
            concurrency: 1,
            signal: abort,
            log,
            clock,
            freeBytesFloor: 0,
          }),
        startEngine: async name => {
          await whileItRuns?.()
          if (point.hits('engine start', name)) throw new SnapproofError('engine-start', 'injected: it did not start')
          const folder = join(mirrorFolder, '..')
          return startStandInEngine({ name, folder, clock, onRequest: faultOf(point), timeoutMs: 400 }, living)
        },
        output: faultyOutput(dependencies.output, point),
        putMetrics: faultyMetrics(put, point),
      }
    }
    await withFaultyDisk(own, point, async () => {
      if (given.as !== 'array')
        return await process_(undefined, async dependencies => {
          run = await audit(dependencies, { command: 'audit', only: null, limits: config.limits })
        })
      const shared = openShared(hurriedClock)
      const folder = new ArrayFolder(prefixed(faultyWriter(shared, point, 'array'), 'arrays/one'))
      const quietFolder = new ArrayFolder(prefixed(shared, 'arrays/one'))
      await process_(undefined, async dependencies => {
        await planArray(dependencies, { folder, children: 1, limits: config.limits, deadlineSeconds: 600 })
      })
      // Without a plan there is nothing to go on with.
      const plan = await quietFolder.readPlanOrNull(signal)
      if (plan === null) return
      const owner = 'suite:1'
      for (const [child] of plan.children.entries())
        await process_(undefined, async dependencies => {
          await workChild(dependencies, { folder, plan: await folder.readPlan(signal), child, owner })
        })
      // A step that died holds the lease until it has expired.
      const lease = JSON.parse(await readFile(join(ledgerFolder, 'lease.json'), 'utf8'))
      if (lease.state === 'held' && lease.plan === undefined) await expireLease({ ledgerFolder })
      await process_(plan.runId, async dependencies => {
        run = (await collectArray(dependencies, { folder, plan: await folder.readPlan(signal), owner })).run
      })
      await shared.close()
    })
    // What a machine of an array could not do is told by collect, with an exit code of its own.
    if (given.as === 'array' && run !== null) error = notOurs(error)
    const left = await leftovers(own, living)
    // What a full disk did not take cannot be judged again.
    const isCutShort = point.fired > 0 && point.fault.port === 'disk'
    const unlike = run === null ? [] : await unlikeRun(output, run, config, isCutShort)
    return { run, error, exitCode: exitCodeOf(run, error), metrics, left, unlike }
  }
  const ledgerFile = join(own, 'ledger.sqlite')
  return { folder, ledgerFolder, ledgerFile, localFile: sync === 'none' ? ledgerFile : null, night }
}

/** What no step may end with, whatever the others make of it; null: nothing of that kind. */
function notOurs(error: unknown): unknown {
  return error instanceof SnapproofError && error.code !== 'internal' ? null : error
}

function exitCodeOf(run: RunResult | null, error: unknown): number {
  if (error === null && run !== null) return run.exit.code
  return isSnapproofError(error) ? error.exitCode : -1
}

function faultOf(point: FaultPoint) {
  return ({ method, path }: { method: string; path: string }): WireFault | 'die' | undefined => {
    if (!point.hits('engine', `${method} ${path}`)) return undefined
    const status = Number(point.fault.kind)
    return Number.isInteger(status) ? status : (point.fault.kind as WireFault)
  }
}

/** What a run may leave: its results, the ledger with its journals and its owner's name, and nothing else. */
async function leftovers(own: string, living: ReadonlySet<object>): Promise<string[]> {
  const left: string[] = []
  if (living.size > 0) left.push(`${living.size} engines live`)
  mkdirSync(join(own, 'work'), { recursive: true })
  for (const name of await readdir(join(own, 'work'))) left.push(`work/${name}`)
  for (const name of await readdir(own)) {
    if (!/^(work|runs|ledger\.sqlite(\.journals|\.lock|\.owner\.json|\.damaged-\d+)?)$/.test(name)) left.push(name)
  }
  // Bodies that were left early close their files a turn later.
  for (let round = 0; ; round++) {
    const open = await openFiles(own)
    if (open.length === 0) return left
    if (round === 100) return [...left, ...open.map(path => `open: ${path}`)]
    await delay(20)
  }
}

/** Files of this process below the folder. Linux; elsewhere none are seen. */
async function openFiles(folder: string): Promise<string[]> {
  const names = await readdir('/proc/self/fd').catch(() => [])
  const paths = await Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return paths.filter(path => path.startsWith(folder))
}

/** A lease that a run could not give back is taken for expired: the store's time of it is an hour ago. */
export async function expireLease({ ledgerFolder }: Pick<World, 'ledgerFolder'>): Promise<void> {
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(join(ledgerFolder, 'lease.json'), anHourAgo, anHourAgo).catch(() => {})
}

export async function removeWorld({ folder }: World): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
