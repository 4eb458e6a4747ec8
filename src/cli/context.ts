/** What every command needs: the configuration, the stores, the log, and one signal that Ctrl-C and SIGTERM abort. */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type OpenStoreOptions, openStore } from '../blobs/open.ts'
import type { RequestCounts } from '../blobs/port.ts'
import type { Store } from '../blobs/write-probe.ts'
import { cacheFolder } from '../config/cache.ts'
import { configForUrl, loadConfig } from '../config/load.ts'
import { startEngine } from '../engine/start.ts'
import { diskError, SnapproofError } from '../errors.ts'
import { openLedger } from '../ledger/open.ts'
import { openMirror } from '../mirror/mirror.ts'
import type { AuditConfig, SealKeyConfig, StoreConfig } from '../model/config.ts'
import type { RunResult } from '../model/run.ts'
import { ledgerMemory } from '../run/checkMemory.ts'
import type { RunDependencies } from '../run/dependencies.ts'
import type { Seals } from '../run/seal.ts'
import { selfCheck } from '../run/selfCheck/selfCheck.ts'
import { readSigner, type Signer } from '../seal/keys.ts'
import { type Clock, isoTime, steadyClock } from '../time.ts'
import { callerRole } from './callerRole.ts'
import { outputFolder, readPackage, readStyle } from './files.ts'
import { imageDigest } from './imageDigest.ts'
import type { CliLog } from './log.ts'
import { claimWorkFolder, isProcessAlive } from './workFolder.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface CliContext {
  readonly environment: Environment
  readonly clock: Clock
  readonly log: CliLog
  readonly signal: AbortSignal
  /** Prints the result of a command on stdout. */
  print(text: string): void
}

/** Flags that every command takes. */
export interface CommonFlags {
  readonly config?: string | undefined
  readonly json?: boolean | undefined
  readonly endpointUrl?: string | undefined
  readonly region?: string | undefined
  readonly ledger?: string | undefined
}

/** Bytes of the disk that are left alone. */
export const freeBytesFloor = 1_000_000_000

/** The configuration from `--config` or SNAPPROOF_CONFIG, or one made from a URL. */
export async function readConfig(
  context: CliContext,
  flags: CommonFlags,
  url: string | undefined,
  overrides: Readonly<Record<string, string | number | boolean | null | undefined>> = {},
): Promise<AuditConfig> {
  const { environment } = context
  const file = flags.config ?? environment.SNAPPROOF_CONFIG
  if (url !== undefined) {
    return configForUrl(url, {
      region: flags.region,
      endpointUrl: flags.endpointUrl,
      ledgerFile: flags.ledger,
      overrides,
      temporaryFolder: tmpdir(),
    })
  }
  if (file === undefined) {
    throw new SnapproofError('usage', 'there is neither a configuration nor a URL', {
      advice:
        'Give --config FILE (see config/snapproof.example.yaml), or a URL such as s3://bucket/base/path where the command takes one.',
    })
  }
  return loadConfig({
    file,
    environment,
    overrides: {
      'repository.region': flags.region,
      'repository.endpointUrl': flags.endpointUrl,
      'ledger.file': flags.ledger,
      ...overrides,
    },
  })
}

export function openConfigured(store: StoreConfig, clock: Clock, requests: number, counts?: RequestCounts): Store {
  const options: OpenStoreOptions = {
    clock,
    maxConnections: Math.max(64, requests * 2),
    ...(store.region === null ? {} : { region: store.region }),
    ...(store.endpointUrl === null ? {} : { endpointUrl: store.endpointUrl }),
    ...(store.pathStyle === null ? {} : { pathStyle: store.pathStyle }),
    ...(counts === undefined ? {} : { counts }),
  }
  return openStore(store.url, options)
}

/** The ledger that a check remembers in; null: it has none, as with a URL alone. */
export async function openCheckMemory(
  { clock, log, signal }: CliContext,
  config: AuditConfig,
  { url, ledger: file }: { readonly url?: string | undefined; readonly ledger?: string | undefined },
): Promise<{
  readonly memory: ReturnType<typeof ledgerMemory>
  store(): Promise<void>
  close(): Promise<void>
} | null> {
  if (url !== undefined && file === undefined) return null
  const where = url === undefined ? config.ledger.store : null
  const store = where === null ? null : openConfigured(where, clock, 4)
  const runId = newRunId(clock)
  try {
    const ledger = await openLedger({
      repositoryName: config.repository.name,
      store,
      file: config.ledger.file,
      runId,
      owner: `${hostname()}:${process.pid}`,
      clock,
      log,
      leaseSeconds: config.ledger.leaseSeconds,
      randomId: randomUUID,
      signal,
    })
    for (const warning of ledger.warnings) log.warn(warning)
    const renewAfterDays = config.policy.bytesWithinDays
    return {
      memory: ledgerMemory({ ledger, runId, readOnly: false, renewAfterDays, clock }),
      store: () => ledger.store(signal),
      async close() {
        await ledger.close()
        await store?.close()
      },
    }
  } catch (error) {
    await store?.close()
    throw error
  }
}

export function newRunId(clock: Clock): string {
  return `${isoTime(clock.nowMs()).replace(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 8)}`
}

export function newCounts(): RequestCounts {
  return { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0, reads: {} }
}

/** Everything that a run is given. `close` removes this run's work folder. */
export async function buildRun(
  context: CliContext,
  config: AuditConfig,
  out: string | undefined,
  /** Of an array, which ends in another process than it began in; absent: one machine does it all. */
  arrayRunId?: string,
): Promise<{ readonly dependencies: RunDependencies; close(): Promise<void> }> {
  const { log, signal, environment } = context
  const image = await imageDigest(context)
  const role = await callerRole(context, config)
  const clock = steadyClock(context.clock)
  const processId = newRunId(clock)
  const runId = arrayRunId ?? processId
  const counts = newCounts()
  const repository = openConfigured(config.repository, clock, config.work.requests, counts)
  const ledgerStore = config.ledger.store === null ? null : openConfigured(config.ledger.store, clock, 4, counts)
  const outputStore = config.output.store === null ? null : openConfigured(config.output.store, clock, 8, counts)
  const seals = openSeals(config, clock)
  const owner = { host: hostname(), pid: process.pid }
  const workFolder = await claimWorkFolder(config.work.folder, processId, owner, isProcessAlive, clock.nowMs(), log)
  const mirrorFolder = join(workFolder, 'mirror')
  // Servers that are not of this user read the mirror as members of our group; others do not even pass this folder.
  const isShared = config.engines.some(({ kind }) => kind === 'container' || kind === 'endpoint')
  const make = async () => {
    if (isShared) await chmod(workFolder, 0o750)
    await mkdir(mirrorFolder, { recursive: true, mode: 0o750 })
  }
  await make().catch(async (error: unknown) => {
    await rm(workFolder, { recursive: true, force: true })
    throw diskError(error, 'make', mirrorFolder)
  })
  const folder = out === undefined ? join(config.output.folder, runId) : resolve(out)
  const { version } = await readPackage()
  const dependencies: RunDependencies = {
    config,
    tool: { name: 'snapproof', version, node: process.version },
    image,
    role,
    runId,
    clock,
    log,
    signal,
    repository,
    counts,
    selfCheck: () => selfCheck(clock, signal),
    mirrorFolder,
    openLedger: ({ readOnly, journals = false, runId: holder = runId }) =>
      openLedger({
        repositoryName: config.repository.name,
        store: ledgerStore,
        file: config.ledger.file,
        runId: holder,
        owner: `${owner.host}:${owner.pid}`,
        clock,
        log,
        leaseSeconds: config.ledger.leaseSeconds,
        randomId: randomUUID,
        signal,
        readOnly,
        journals,
      }),
    openMirror: abort =>
      openMirror({
        source: repository,
        folder: mirrorFolder,
        concurrency: config.work.requests,
        signal: abort,
        log,
        clock,
        freeBytesFloor,
      }),
    startEngine: async (name, abort) => {
      const engine = config.engines.find(one => one.name === name)
      if (engine === undefined) throw new SnapproofError('internal', `no engine ${name} is configured`)
      return startEngine({
        ...engine,
        home: engine.home ?? '',
        store: config.work.source === 'mirror' ? null : ((await repository.serverAccess?.()) ?? null),
        serverRepositories: engine.repositoryFolder === null ? null : join(engine.repositoryFolder, processId),
        owner: { runId: processId, ...owner },
        cacheFolder: cacheFolder(environment),
        workFolder: join(workFolder, 'engine'),
        repositoryFolder: workFolder,
        startTimeoutMs: config.work.engineStartSeconds * 1000,
        environment: withoutSecrets(environment, config),
        signal: abort,
        log,
        clock,
      })
    },
    seals,
    output: outputFolder(folder, runId, outputStore),
    putMetrics: await metricsOf(config, clock),
    style: await readStyle(),
  }
  return {
    dependencies,
    async close() {
      await rm(workFolder, { recursive: true, force: true })
      await repository.close()
      await ledgerStore?.close()
      await outputStore?.close()
      await seals?.store.close()
    },
  }
}

/** What a throwaway server, which inherits our environment, has no use for. */
function withoutSecrets(environment: Environment, { notify }: AuditConfig): Environment {
  const { headerVariable } = notify.webhook
  const entries = Object.entries(environment)
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('SNAPPROOF_') && name !== headerVariable))
}

/** The chain of the configuration; null: runs are not sealed. */
export function openSeals({ seal }: AuditConfig, clock: Clock): (Seals & { readonly store: Store }) | null {
  if (seal === null) return null
  return {
    store: openConfigured(seal.store, clock, 4),
    retention: seal.retention,
    signer: signal => openSigner(seal.key, signal),
  }
}

/** Asks KMS for its key where that signs. @throws SnapproofError when no key answers */
export async function openSigner(key: SealKeyConfig, signal: AbortSignal): Promise<Signer> {
  if (key.kind === 'file') return readSigner(key.file)
  const { kmsSigner } = await import('../seal/kms.ts') // loaded where it is used: SDKs make every start slower
  return kmsSigner(key, signal)
}

async function metricsOf(config: AuditConfig, clock: Clock): Promise<RunDependencies['putMetrics']> {
  if (!config.metrics.enabled) return null
  const { putMetrics } = await import('../metrics/put.ts') // the SDK costs a second that `--no-metrics` need not pay
  const { toMetricData } = await import('../metrics/data.ts')
  return (run: RunResult) => putMetrics({ ...config.metrics, clock }, toMetricData(run, clock.nowMs()))
}
