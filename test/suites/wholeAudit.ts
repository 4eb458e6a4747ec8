/**
 * Whole audits in this process: the adapters of the command line over a fixture, with a fault in one place. The repository holds one
 * planted damage, so that a pass of what rests on it would be seen. Store and repository are folders; the engine is the stand-in.
 */
import { mkdirSync } from 'node:fs'
import { cp, mkdir, readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore } from '../../src/blobs/open.ts'
import { buildRun } from '../../src/cli/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { isSnapproofError, SnapproofError } from '../../src/errors.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import { toMetricData } from '../../src/metrics/data.ts'
import { openMirror } from '../../src/mirror/mirror.ts'
import type { RunResult } from '../../src/model/run.ts'
import { audit } from '../../src/run/audit.ts'
import { type Clock, systemClock } from '../../src/time.ts'
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
}

export interface NightOptions {
  readonly clock?: Clock
  /** By dotted path. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Awaited at the start of the engine. */
  readonly whileItRuns?: () => Promise<void>
  /** Another machine: its own local files. */
  readonly machine?: string
}

export interface World {
  readonly folder: string
  readonly ledgerFolder: string
  readonly ledgerFile: string
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
export async function newWorld(folder: string, repository: string, buckets: Buckets | null = null): Promise<World> {
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
ledger: { ${urlOf('ledger', ledgerFolder)}, file: own/ledger.sqlite }
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
    await withFaultyDisk(own, point, async () => {
      let close: (() => Promise<void>) | null = null
      try {
        const built = await buildRun(
          { environment: process.env, clock: given.clock ?? hurriedClock, log, signal, print: () => {} },
          config,
          undefined,
        )
        close = built.close
        const { dependencies } = built
        const { clock, mirrorFolder, runId } = dependencies
        const repositoryReader = faultyReader(dependencies.repository, point, 'repository')
        const { url = '', endpointUrl = null } = config.ledger.store ?? {}
        const opened = openStore(url, { clock, ...(endpointUrl === null ? {} : { endpointUrl }) })
        const store = faultyWriter(opened, point, 'ledger')
        const put = async (result: RunResult) => {
          metrics.push(...toMetricData(result, clock.nowMs()).map(datum => datum.MetricName ?? ''))
        }
        run = await audit(
          {
            ...dependencies,
            repository: repositoryReader,
            openLedger: ({ readOnly }) =>
              openLedger({
                repositoryName: 'test',
                store,
                file: config.ledger.file,
                runId,
                owner: 'suite:1',
                clock,
                log,
                leaseSeconds: 120,
                randomId: () => crypto.randomUUID(),
                signal,
                readOnly,
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
              if (point.hits('engine start', name))
                throw new SnapproofError('engine-start', 'injected: it did not start')
              const folder = join(mirrorFolder, '..')
              return startStandInEngine({ name, folder, clock, onRequest: faultOf(point), timeoutMs: 400 }, living)
            },
            output: faultyOutput(dependencies.output, point),
            putMetrics: faultyMetrics(put, point),
          },
          { command: 'audit', only: null, limits: config.limits },
        )
      } catch (caught) {
        error = caught
      }
      // As the program does it: what breaks here is said by the program and not by the audit.
      await close?.().catch((caught: unknown) => {
        error ??= caught
      })
    })
    const left = await leftovers(own, living)
    return { run, error, exitCode: exitCodeOf(run, error), metrics, left }
  }
  return { folder, ledgerFolder, ledgerFile: join(own, 'ledger.sqlite'), night }
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
export async function expireLease({ ledgerFolder }: World): Promise<void> {
  const anHourAgo = Date.now() / 1000 - 3600
  await utimes(join(ledgerFolder, 'lease.json'), anHourAgo, anHourAgo).catch(() => {})
}

export async function removeWorld({ folder }: World): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
