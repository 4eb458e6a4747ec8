/**
 * The seal of a run: made when the ledger is stored and the report is written, before the heartbeat. A run that cannot seal
 * keeps its verdicts and says that it is unsealed.
 */
import type { BlobWriter } from '../blobs/port.ts'
import { configurationHash } from '../config/configurationHash.ts'
import { describeError, type ExitCode, exitCodes } from '../errors.ts'
import type { LedgerSession } from '../ledger/port.ts'
import type { AuditConfig, SealConfig } from '../model/config.ts'
import type { RunResult, RunSeal } from '../model/run.ts'
import { digestsOf } from '../seal/digests.ts'
import { headRow, rememberedHead } from '../seal/head.ts'
import type { Signer } from '../seal/keys.ts'
import { type SealRecord, type Sha256, sealVersion, sha256 } from '../seal/record.ts'
import { findNextLink, type NextLink, type SealHead, writeSeal } from '../seal/write.ts'
import { isoTime } from '../time.ts'
import type { RunDependencies } from './dependencies.ts'

/** The chain that runs of this configuration add to. */
export interface Seals {
  readonly store: BlobWriter
  readonly retention: SealConfig['retention']
  /** @throws SnapproofError when there is no key that can sign: `configuration`, or what KMS says */
  signer(signal: AbortSignal): Promise<Signer>
}

export interface Sealer {
  /** What `run.json` says of its seal before it has one. */
  readonly statement: RunSeal
  /** Seals the files as they are written now. @throws SnapproofError: then there is no seal */
  seal(result: RunResult): Promise<void>
}

const sealTimeoutMs = 120_000

type SealerDependencies = Pick<RunDependencies, 'seals' | 'clock' | 'log' | 'config' | 'output' | 'runId'>
type SealerLedger = Pick<LedgerSession, 'memory' | 'journal' | 'storedSha256'>

/** Looks at the end of the chain. Null: runs are not sealed. Never throws: what keeps a run from being sealed is in the statement. */
export async function openSealer(
  dependencies: SealerDependencies,
  ledger: SealerLedger,
  indexN: Sha256 | null,
): Promise<Sealer | null> {
  const { seals } = dependencies
  if (seals === null) return null
  const { store, retention } = seals
  try {
    const signal = AbortSignal.timeout(sealTimeoutMs)
    const signer = await seals.signer(signal)
    const remembered = rememberedHead(subject => ledger.memory(subject), store.url)
    const link = await findNextLink(store, remembered, signal)
    const lock = retention?.mode ?? (await lockOf(store, signal))
    const statement = statementOf(store.url, signer, link, lock)
    return {
      statement,
      seal: result => sealNow(dependencies, ledger, { seals, signer, remembered, indexN }, result),
    }
  } catch (error) {
    const statement = { url: store.url, key: null, before: null, lock: 'unknown', problem: null } as const
    return { statement: { ...statement, unsealed: describeError(error) }, seal: () => Promise.reject(error) }
  }
}

async function lockOf(store: BlobWriter, signal: AbortSignal): Promise<RunSeal['lock']> {
  const lock = (await store.storeLock?.(signal)) ?? { kind: 'none' as const }
  if (lock.kind === 'on') return lock.mode ?? 'none'
  return lock.kind === 'none' ? 'none' : 'unknown'
}

function statementOf(url: string, { key }: Signer, { previous, problem }: NextLink, lock: RunSeal['lock']): RunSeal {
  return { url, key, before: previous, lock, problem, unsealed: null }
}

interface SealMeans {
  readonly seals: Seals
  readonly signer: Signer
  readonly remembered: SealHead | null
  readonly indexN: Sha256 | null
}

async function sealNow(
  { clock, log, config, output, runId }: SealerDependencies,
  ledger: SealerLedger,
  { seals, signer, remembered, indexN }: SealMeans,
  result: RunResult,
): Promise<void> {
  const { store, retention } = seals
  const nowMs = clock.nowMs()
  const written = await writeSeal({
    store,
    signer,
    // A seal of this run that its ledger heard of is what the next one follows.
    remembered: rememberedHead(subject => ledger.memory(subject), store.url) ?? remembered,
    record: {
      ...recordOf(result, { config, written: output.written(), ledger: ledger.storedSha256, indexN }),
      sealedAt: isoTime(nowMs),
      key: signer.key,
    },
    retention: retention === null ? null : { mode: retention.mode, untilMs: nowMs + retention.seconds * 1000 },
    signal: AbortSignal.timeout(sealTimeoutMs),
  })
  // In the log of the schedule, which lies elsewhere than the chain.
  log.info('sealed', { seal: written.number, sha256: written.hash, key: signer.key, chain: store.url })
  try {
    await ledger.journal(runId, [headRow(store.url, written)], AbortSignal.timeout(sealTimeoutMs))
  } catch (error) {
    log.warn('the ledger did not take the head of the seals; the log and the next report have it', {
      error: describeError(error),
    })
  }
}

interface RecordInput {
  readonly config: AuditConfig
  /** SHA-256 by name of every file of the run. */
  readonly written: ReadonlyMap<string, Sha256>
  readonly ledger: Sha256 | null
  readonly indexN: Sha256 | null
}

/** Everything of the record but its number, its link, its time and its key. In the order of README.md. */
export function recordOf(
  run: RunResult,
  { config, written, ledger, indexN }: RecordInput,
): Omit<SealRecord, 'number' | 'previous'> {
  const { expected, found } = digestsOf(run, written)
  const { name, url, uuid, generation } = run.repository
  return {
    seal: sealVersion,
    sealedAt: run.endedAt,
    key: '',
    repository: { name, url, uuid },
    run: {
      id: run.runId,
      command: run.command,
      startedAt: run.startedAt,
      endedAt: run.endedAt,
      exitCode: run.exit.code,
    },
    inputs: {
      configuration: configurationHash(config),
      generation,
      indexN,
      tool: run.tool.version,
      engines: run.engines.map(engine => `${engine.product} ${engine.version} (${engine.kind})`),
    },
    expected,
    found,
    outputs: {
      runJson: written.get('run.json') ?? sha256(''),
      reportHtml: written.get('report.html') ?? sha256(''),
      ledger,
    },
  }
}

/** The run with what it must say of its seal: a chain that was cut, or no seal at all, is exit code 2. */
export function withSeal(run: RunResult, seal: RunSeal): RunResult {
  const trouble =
    seal.unsealed !== null
      ? `the run is unsealed: ${seal.unsealed}`
      : seal.problem !== null
        ? `the chain of seals in ${seal.url} is not what it was: ${seal.problem}`
        : null
  return trouble === null ? { ...run, seal } : { ...couldNotWork(run, trouble), seal }
}

/** The run with exit code 2 before all others; its first reason stays. */
export function couldNotWork({ exit, ...run }: RunResult, reason: string): RunResult {
  const rest: readonly ExitCode[] = exit.applies.filter(code => code !== exitCodes.couldNotWork && code !== 0)
  const first = exit.code === exitCodes.couldNotWork ? `${exit.reason}; ${reason}` : reason
  return { ...run, exit: { code: exitCodes.couldNotWork, applies: [exitCodes.couldNotWork, ...rest], reason: first } }
}
