/**
 * Is everything in place for tonight? Each question is asked on its own, so that one "no" hides no other. The
 * repository is never written; the ledger gets one small object, which is removed again.
 */
import type { BlobReader, BlobWriter } from '../blobs/port.ts'
import { probeWrite, type Store } from '../blobs/write-probe.ts'
import { engineReady } from '../engine/ready.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import { openCatalogue } from '../repository/catalogue.ts'
import { type Clock, withDeadline } from '../time.ts'

export interface DoctorDependencies {
  readonly config: AuditConfig
  readonly repository: Store
  /** Null: the ledger is a local file. */
  readonly ledger: BlobWriter | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** `process.version`, such as v20.19.0. */
  readonly nodeVersion: string
  readonly randomId: () => string
  /** Bytes of the work folder's disk that may be used. */
  freeBytes(): Promise<number>
  /** Bytes of disk that tonight's plan needs. */
  plannedDiskBytes(): Promise<number>
  readonly signal: AbortSignal
}

export interface Diagnosis {
  readonly check: string
  readonly outcome: 'good' | 'bad' | 'not-proven'
  readonly message: string
  readonly advice: string
}

const deadlineMs = 120_000
const clockToleranceMs = 300_000
const minimumNode = [20, 19] as const

type Answer = Pick<Diagnosis, 'outcome' | 'message'> & { readonly advice?: string }

export async function diagnose(dependencies: DoctorDependencies): Promise<Diagnosis[]> {
  const { config, environment, signal } = dependencies
  const diagnoses: Diagnosis[] = []
  const ask = async (check: string, question: (signal: AbortSignal) => Promise<Answer>) => {
    try {
      const answer = await question(withDeadline(signal, deadlineMs, check))
      diagnoses.push({ check, advice: '', ...answer })
    } catch (error) {
      if (signal.aborted) throw error
      const advice = isSnapproofError(error) ? error.advice : ''
      diagnoses.push({ check, outcome: 'bad', message: describeError(error), advice })
    }
  }
  await ask('Node', async () => nodeAnswer(dependencies.nodeVersion))
  for (const engine of config.engines) {
    await ask(`engine ${engine.name}`, async () => good(await engineReady(engine, environment)))
  }
  await ask('repository can be listed and read', s => readAnswer(dependencies.repository, config, s))
  await ask('repository cannot be written', async s => {
    const { outcome, sentence } = await probeWrite(dependencies.repository, s)
    return {
      outcome: outcome === 'cannot-write' ? 'good' : outcome === 'can-write' ? 'bad' : 'not-proven',
      message: sentence,
    }
  })
  await ask('ledger can be written, and the clock', s => ledgerAnswer(dependencies, s))
  await ask('disk for the largest planned group', () => diskAnswer(dependencies))
  return diagnoses
}

function nodeAnswer(version: string): Answer {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const enough = major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])
  if (enough) return good(`Node ${version}`)
  return { outcome: 'bad', message: `Node ${version}`, advice: `Install Node ${minimumNode.join('.')} or newer.` }
}

async function readAnswer(blobs: BlobReader, config: AuditConfig, signal: AbortSignal): Promise<Answer> {
  const catalogue = await openCatalogue(blobs, {
    concurrency: config.work.requests,
    maxMetadataBytes: config.work.maxMetadataBytes,
    signal,
  })
  const { identity, snapshots, indices } = catalogue.repositoryData
  return good(
    `${blobs.url}: generation ${identity.generation}, ${snapshots.length} snapshots, ${indices.length} indices`,
  )
}

async function ledgerAnswer(
  { config, ledger, clock, randomId }: DoctorDependencies,
  signal: AbortSignal,
): Promise<Answer> {
  if (ledger === null) return good(`the ledger is the file ${config.ledger.file}`)
  const key = `doctor-${randomId()}`
  const before = clock.nowMs()
  const { written } = await ledger.putIfAbsent(key, Buffer.from('snapproof doctor\n'), { signal })
  try {
    const stored = await ledger.head(key, { signal })
    if (!written || stored === null) return { outcome: 'bad', message: `${ledger.url}: a new object was not kept` }
    const again = await ledger.putIfAbsent(key, Buffer.from('again'), { signal })
    if (again.written) {
      const message = `${ledger.url} ignores If-None-Match: two runs could lose each other's proofs`
      return { outcome: 'bad', message, advice: 'Keep the ledger in a store with conditional writes.' }
    }
    const offMs = stored.modifiedMs - (before + clock.nowMs()) / 2
    if (Math.abs(offMs) > clockToleranceMs) {
      const message = `this clock and the store's differ by ${Math.round(offMs / 1000)} s`
      return { outcome: 'bad', message, advice: 'Set the clock: ages and leases depend on it.' }
    }
    return good(`${ledger.url} takes conditional writes; the clocks agree`)
  } finally {
    await ledger.delete(key, { signal })
  }
}

async function diskAnswer({ config, freeBytes, plannedDiskBytes }: DoctorDependencies): Promise<Answer> {
  const [free, needed] = [await freeBytes(), await plannedDiskBytes()]
  const message = `${config.work.folder}: ${needed} bytes needed, ${Math.max(0, free)} free`
  if (needed <= free) return good(message)
  return { outcome: 'bad', message, advice: 'Give work.folder a larger disk, or lower limits.restoreBytes.' }
}

function good(message: string): Answer {
  return { outcome: 'good', message }
}
