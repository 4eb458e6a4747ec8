/**
 * Whole audits in this process on real parts: the adapters of the command line, a real server, a real ledger. A test may
 * put something between two parts and nothing else: its own server, its own look at the repository.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import type { Client } from '@elastic/elasticsearch'
import { sourceVersion } from '../../infra/local/cluster.ts'
import type { BlobReader } from '../../src/blobs/port.ts'
import { buildRun, type CliContext } from '../../src/cli/context.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Engine } from '../../src/engine/port.ts'
import { type StartedEngine, startWithClient } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { openMirror } from '../../src/mirror/mirror.ts'
import type { AuditConfig } from '../../src/model/config.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import type { Finding } from '../../src/model/finding.ts'
import type { JournalRow } from '../../src/model/journal.ts'
import type { RunResult, SnapshotSummary } from '../../src/model/run.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { audit } from '../../src/run/audit.ts'
import { type Survey, survey } from '../../src/run/survey.ts'
import { systemClock } from '../../src/time.ts'
import { mustJudgeAlike } from './judgeAlike.ts'
import { mustBeDescribed } from './runSchema.ts'

/** One server, and the folder in which its mirror lies. */
export interface Server {
  readonly engine: Engine
  readonly client: Client
  readonly pid: number
  readonly mirrorFolder: string
}

export interface NightOptions {
  /** URL. */
  readonly repository: string
  /** Snapshots to restore now, as `verify` does; else the debt. */
  readonly only?: readonly string[]
  /** By dotted path. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** A server of its own for each start, seen through this; else the one that is shared. */
  readonly throughServer?: (server: Server, start: number) => Engine
  readonly throughReader?: (reader: BlobReader) => BlobReader
  /** YAML of the section `rules`, or of others. */
  readonly rules?: string
}

export interface Night {
  readonly run: RunResult
  /** Of `run.json`, `report.html` and the evidence. */
  readonly folder: string
  /** Process ids of the servers that this night started for itself. */
  readonly pids: readonly number[]
  evidence(index: string, snapshot: string): Promise<Evidence>
}

export interface Bench {
  readonly folder: string
  /** A copy of the repository in that folder; resolves with its own folder. */
  copy(folder: string): Promise<string>
  /** Nights of one `ledger` name remember each other. */
  night(ledger: string, options: NightOptions): Promise<Night>
  /** What `plan` sees before such a night. */
  plan(ledger: string, options: NightOptions): Promise<Survey>
  /** Puts rows into the ledger as if nights before had written them. */
  remember(ledger: string, options: NightOptions, rows: readonly JournalRow[]): Promise<void>
  /** The server that nights share; whoever makes a repository on it audits it with the server that wrote it. */
  server(): Promise<StartedEngine>
  close(): Promise<void>
}

/** What the nights restore with. */
export interface BenchEngine {
  readonly product: 'elasticsearch' | 'opensearch'
  readonly version: string
}

export const fixture = join(import.meta.dirname, '../fixtures/repositories/es-9.5/repository')

export async function openBench(
  engine: BenchEngine = { product: 'elasticsearch', version: sourceVersion },
): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'snapproof-audit-'))
  const stop = new AbortController()
  let shared: Promise<StartedEngine> | null = null
  let count = 0

  const startServer = (workFolder: string, repositoryFolder: string) =>
    startWithClient({
      name: engine.product,
      kind: 'maven',
      ...engine,
      cacheFolder: cacheFolder(process.env),
      heapMb: 512,
      startTimeoutMs: 120_000,
      environment: process.env,
      signal: stop.signal,
      log: silentLog,
      clock: systemClock,
      workFolder,
      repositoryFolder,
    })

  /** Starting a server costs seconds; who does not look at the process takes this one, which outlives its night. */
  const server = () => {
    shared ??= startServer(join(folder, 'shared'), folder)
    return shared
  }
  async function sharedServer(): Promise<Engine> {
    return { ...(await server()).engine, stop: async () => {} }
  }

  const context: CliContext = {
    environment: process.env,
    clock: systemClock,
    log: { ...silentLog, clear: () => {} },
    signal: stop.signal,
    print: () => {},
  }

  async function plan(name: string, options: NightOptions): Promise<Survey> {
    const config = await configure(folder, name, engine, options)
    const { dependencies, close } = await buildRun(context, config, undefined)
    const ledger = await dependencies.openLedger({ readOnly: true })
    try {
      return await survey(dependencies, ledger, { only: null, limits: config.limits, readOnly: true })
    } finally {
      await ledger.close()
      await close()
    }
  }

  async function remember(name: string, options: NightOptions, rows: readonly JournalRow[]): Promise<void> {
    const { dependencies, close } = await buildRun(context, await configure(folder, name, engine, options), undefined)
    const ledger = await dependencies.openLedger({ readOnly: false })
    try {
      await ledger.journal(dependencies.runId, rows, stop.signal)
      await ledger.store(stop.signal)
    } finally {
      await ledger.close()
      await close()
    }
  }

  async function night(ledger: string, options: NightOptions): Promise<Night> {
    const config = await configure(folder, ledger, engine, options)
    const out = join(folder, 'out', String(++count))
    const { dependencies, close } = await buildRun(context, config, out)
    const { mirrorFolder } = dependencies
    const pids: number[] = []
    const { throughServer, throughReader } = options
    try {
      const repository = throughReader?.(dependencies.repository) ?? dependencies.repository
      const run = await audit(
        {
          ...dependencies,
          repository,
          openMirror: signal =>
            openMirror({
              source: repository,
              folder: mirrorFolder,
              concurrency: 8,
              signal,
              log: silentLog,
              clock: systemClock,
              freeBytesFloor: 0,
            }),
          startEngine: async () => {
            if (throughServer === undefined) return await sharedServer()
            const server = await startServer(join(dirname(mirrorFolder), 'engine'), dirname(mirrorFolder))
            pids.push(server.pid)
            return throughServer({ ...server, mirrorFolder }, pids.length)
          },
        },
        {
          command: options.only === undefined ? 'audit' : 'verify',
          only: options.only ?? null,
          limits: config.limits,
        },
      )
      await mustJudgeAlike(out, run, config)
      return { run, folder: out, pids, evidence: (index, snapshot) => readEvidence(out, run, index, snapshot) }
    } finally {
      await close()
    }
  }

  return {
    folder,
    night,
    plan,
    remember,
    server,
    async copy(from) {
      const to = await mkdtemp(join(folder, 'repository-'))
      await cp(from, to, { recursive: true })
      return to
    },
    async close() {
      await (await shared?.catch(() => null))?.engine.stop()
      stop.abort(new Error('the bench is closed'))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function configure(
  folder: string,
  ledger: string,
  { product, version }: BenchEngine,
  options: NightOptions,
): Promise<AuditConfig> {
  const file = join(folder, `${ledger}.yaml`)
  const sync = options.settings?.['ledger.url'] === undefined ? 'sync: none' : ''
  const text = `repository:
  name: ${ledger}
  url: ${options.repository}
ledger: { ${sync} }
engines:
  - { name: ${product}, kind: maven, product: ${product}, version: ${version}, heapMb: 512 }
work: { folder: work, contents: 1 }
metrics: { enabled: false }
${options.rules ?? ''}
`
  await writeFile(file, text)
  return await loadConfig({ file, environment: {}, overrides: options.settings ?? {} })
}

async function readEvidence(folder: string, run: RunResult, index: string, snapshot: string): Promise<Evidence> {
  const row = run.restores.find(one => one.index === index && one.snapshot === snapshot)
  if (row?.evidence == null) throw new Error(`there is no evidence of ${index} in ${snapshot}`)
  return JSON.parse(await readFile(join(folder, row.evidence), 'utf8'))
}

/** What `run.json` of a night of the real program says, and its evidence says the same. */
export async function readRun(folder: string): Promise<RunResult> {
  const run = parseRun(await readFile(join(folder, 'run.json'), 'utf8'))
  mustBeDescribed(run)
  await mustJudgeAlike(folder, run)
  return run
}

export function snapshotOf(run: RunResult, name: string): SnapshotSummary {
  const found = run.snapshots.find(snapshot => snapshot.name === name)
  if (found === undefined) throw new Error(`the run knows no snapshot ${name}`)
  return found
}

/** `restore` of one index in one snapshot: `verdict reason`. */
export function restoreOf(run: RunResult, snapshot: string, index: string): string {
  const row = run.verdicts.find(one => one.snapshot === snapshot && one.index === index && one.level === 'restore')
  if (row !== undefined) return `${row.verdict} ${row.reason}`
  // Rows of single indices are there only where the snapshot as a whole does not simply pass.
  const whole = snapshotOf(run, snapshot).levels.restore
  return whole === undefined ? 'none' : `${whole.verdict} ${whole.reason}`
}

export function errorsOf(run: RunResult): readonly Finding[] {
  return run.findings.filter(finding => finding.severity === 'error')
}

/** `index@snapshot: verdict reason` of all that was tried, ascending. */
export function triedOf(run: RunResult): string[] {
  return run.restores.map(row => `${row.index}@${row.snapshot}: ${row.verdict} ${row.reason}`).sort()
}
