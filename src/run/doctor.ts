/**
 * Is everything in place for tonight? Each question is asked on its own, so that one "no" hides no other. The
 * repository is never written; the ledger gets one small object, which is removed again.
 */
import type { BlobReader, BlobWriter } from '../blobs/port.ts'
import { probeWrite, type Store, type WriteProber } from '../blobs/write-probe.ts'
import { engineReady } from '../engine/ready.ts'
import { describeError, isSnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { RunRow } from '../model/journal.ts'
import type { SelfCheck } from '../model/run.ts'
import type { TopicAnswer } from '../notify/subscriptions.ts'
import { type Catalogue, openCatalogue } from '../repository/catalogue.ts'
import type { SealHead } from '../seal/write.ts'
import { type Clock, withDeadline } from '../time.ts'
import {
  type Answer,
  good,
  lastRunAnswer,
  notificationsAnswer,
  type TriedNotifications,
  topicAnswer,
} from './doctorAnswers.ts'
import { type CheckedSeals, sealAnswer } from './doctorSeals.ts'
import { mustSee } from './selfCheck/selfCheck.ts'

export interface DoctorDependencies {
  readonly config: AuditConfig
  readonly repository: Store
  /** Null: the ledger is a local file. */
  readonly ledger: BlobWriter | null
  /** Null: reports stay in their folder. */
  readonly output: (WriteProber & { readonly url: string }) | null
  /** Null: runs are not sealed. */
  readonly seals: CheckedSeals | null
  /** The last seal of this chain that the ledger knows. */
  rememberedSeal(chain: string): Promise<SealHead | null>
  /** Null: metrics are switched off. */
  readonly putProbe: ((signal: AbortSignal) => Promise<void>) | null
  /** Null: no topic is configured. */
  readonly askTopic: ((signal: AbortSignal) => Promise<TopicAnswer>) | null
  /** Origins of ping and webhook, and whether they took a test just now. Absent: neither is configured. */
  readonly tryNotifications?: ((signal: AbortSignal) => Promise<TriedNotifications>) | null | undefined
  selfCheck(): Promise<SelfCheck>
  /** What the ledger knows of the last runs, oldest first. */
  recentRuns(): Promise<readonly RunRow[]>
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
  await ask('self-check', async () => {
    const auditor = await dependencies.selfCheck()
    mustSee(auditor)
    return good(`${auditor.found} planted things were judged as they must be, in ${auditor.seconds.toFixed(1)} s`)
  })
  for (const engine of config.engines) {
    await ask(`engine ${engine.name}`, async s => good(await engineReady(engine, environment, s)))
  }
  let catalogue: Catalogue | null = null
  await ask('repository can be listed and read', async s => {
    catalogue = await openCatalogue(dependencies.repository, {
      concurrency: config.work.requests,
      maxMetadataBytes: config.work.maxMetadataBytes,
      signal: s,
    })
    const { identity, snapshots, indices } = catalogue.repositoryData
    const holds = `generation ${identity.generation}, ${snapshots.length} snapshots, ${indices.length} indices`
    return good(`${dependencies.repository.url}: ${holds}`)
  })
  await ask('old and new objects of the repository can be read', s =>
    sampleAnswer(dependencies.repository, catalogue, s),
  )
  await ask('repository cannot be written', async s => {
    const { outcome, sentence } = await probeWrite(dependencies.repository, s)
    return {
      outcome: outcome === 'cannot-write' ? 'good' : outcome === 'can-write' ? 'bad' : 'not-proven',
      message: sentence,
    }
  })
  await ask('ledger can be written, and the clock', s => ledgerAnswer(dependencies, s))
  if (dependencies.output !== null) {
    const { output } = dependencies
    await ask('reports can be written', s => outputAnswer(output, dependencies.randomId, s))
  }
  if (dependencies.seals !== null) {
    const { seals } = dependencies
    await ask('runs can be sealed', async s => sealAnswer(seals, await dependencies.rememberedSeal(seals.store.url), s))
  }
  await ask('metrics can be put', s => metricsAnswer(dependencies, s))
  await ask('somebody hears the alarms', async s =>
    topicAnswer(config.notify.topicArn, (await dependencies.askTopic?.(s)) ?? null),
  )
  if (dependencies.tryNotifications != null) {
    const { tryNotifications } = dependencies
    await ask('ping and webhook', async s => notificationsAnswer(await tryNotifications(s)))
  }
  await ask('an audit runs as planned', async () =>
    lastRunAnswer(await dependencies.recentRuns(), dependencies.clock.nowMs()),
  )
  await ask('disk for the largest planned group', () => diskAnswer(dependencies))
  return diagnoses
}

function nodeAnswer(version: string): Answer {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const enough = major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])
  if (enough) return good(`Node ${version}`)
  return { outcome: 'bad', message: `Node ${version}`, advice: `Install Node ${minimumNode.join('.')} or newer.` }
}

/**
 * The root blobs of the oldest and the newest snapshot: a bucket's key changes with the years, and `index-N` speaks for the
 * newest alone. Keys that only other blobs have are tried by each night's check.
 */
async function sampleAnswer(blobs: BlobReader, catalogue: Catalogue | null, signal: AbortSignal): Promise<Answer> {
  if (catalogue === null) return { outcome: 'not-proven', message: `nothing of ${blobs.url} could be read` }
  const { snapshots } = catalogue.repositoryData
  const ends = new Set([snapshots[0], snapshots.at(-1)].flatMap(snapshot => snapshot ?? []))
  if (ends.size === 0) return good('there is no snapshot yet')
  const keys = new Set<string>()
  for (const { uuid, name } of ends) {
    const key = `snap-${uuid}.dat`
    try {
      const { body } = await blobs.get(key, { start: 0, length: 1, signal })
      for await (const chunk of body) if (chunk.length > 0) break
    } catch (error) {
      if (!isSnapproofError(error, 'not-found')) throw error
      return { outcome: 'not-proven', message: `the root blob of ${name} is not there; \`snapproof check\` says more` }
    }
    const head = await blobs.head(key, { signal })
    keys.add(head?.kmsKeyId ?? 'no key of KMS')
  }
  return good(`the root blobs of the oldest and the newest snapshot, under ${[...keys].join(' and ')}`)
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

/** Asked with a condition that cannot hold, so that nothing is left behind; whether KMS encrypts for us is not seen by it. */
async function outputAnswer(
  output: NonNullable<DoctorDependencies['output']>,
  randomId: () => string,
  signal: AbortSignal,
): Promise<Answer> {
  const answer = await output.tryWrite(`doctor-${randomId()}`, signal)
  if (answer.kind === 'refused') {
    const advice = 'Allow s3:PutObject there to this identity, and kms:GenerateDataKey where a key of KMS encrypts.'
    return { outcome: 'bad', message: `${output.url}: ${answer.said}`, advice }
  }
  if (answer.kind === 'unclear') return { outcome: 'not-proven', message: `${output.url}: ${answer.said}` }
  return good(`${output.url} (${answer.said})`)
}

async function metricsAnswer({ config, putProbe }: DoctorDependencies, signal: AbortSignal): Promise<Answer> {
  if (putProbe === null) return good('metrics are switched off: no alarm hears of an audit')
  await putProbe(signal)
  return good(`CloudWatch took one${config.metrics.region === null ? '' : ` in ${config.metrics.region}`}`)
}

async function diskAnswer({ config, freeBytes, plannedDiskBytes }: DoctorDependencies): Promise<Answer> {
  const [free, needed] = [await freeBytes(), await plannedDiskBytes()]
  const message = `${config.work.folder}: ${needed} bytes needed, ${Math.max(0, free)} free`
  if (needed <= free) return good(message)
  return { outcome: 'bad', message, advice: 'Give work.folder a larger disk, or lower limits.restoreBytes.' }
}
