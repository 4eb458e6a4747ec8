/** `doctor`: asks whether everything is in place, and says what to do where it is not. */
import { randomUUID } from 'node:crypto'
import { type ExitCode, exitCodes } from '../errors.ts'
import type { LedgerSession } from '../ledger/port.ts'
import { freeBytes } from '../mirror/disk.ts'
import type { AuditConfig } from '../model/config.ts'
import { type Diagnosis, type DoctorDependencies, diagnose } from '../run/doctor.ts'
import { survey } from '../run/survey.ts'
import { rememberedHead } from '../seal/head.ts'
import {
  buildRun,
  type CliContext,
  type CommonFlags,
  freeBytesFloor,
  openConfigured,
  openSeals,
  readConfig,
} from './context.ts'
import { safeText } from './log.ts'
import { openNotifier } from './notify.ts'

const marks: Readonly<Record<Diagnosis['outcome'], string>> = { good: 'ok  ', bad: 'BAD ', 'not-proven': '?   ' }

export interface DoctorFlags extends CommonFlags {
  /** Sends a test to ping and webhook. */
  readonly send?: boolean | undefined
}

export async function doctorCommand(context: CliContext, flags: DoctorFlags): Promise<ExitCode> {
  const config = await readConfig(context, flags, undefined)
  const { clock, signal, environment } = context
  const { dependencies, close } = await buildRun(context, config, undefined)
  const repository = openConfigured(config.repository, clock, config.work.requests)
  const ledgerStore = config.ledger.store === null ? null : openConfigured(config.ledger.store, clock, 4)
  const outputStore = config.output.store === null ? null : openConfigured(config.output.store, clock, 4)
  const seals = openSeals(config, clock)
  const askLedger = async <T>(question: (ledger: LedgerSession) => T | Promise<T>): Promise<T> => {
    const ledger = await dependencies.openLedger({ readOnly: true })
    try {
      return await question(ledger)
    } finally {
      await ledger.close()
    }
  }
  try {
    const diagnoses = await diagnose({
      config,
      repository,
      ledger: ledgerStore,
      output: outputStore,
      seals,
      rememberedSeal: chain => askLedger(ledger => rememberedHead(subject => ledger.memory(subject), chain)),
      ...(await awsQuestions(config, clock)),
      tryNotifications: notificationsQuestion(context, config, dependencies.tool.version, flags.send === true),
      selfCheck: dependencies.selfCheck,
      recentRuns: () => askLedger(ledger => ledger.runs(50)),
      environment,
      clock,
      nodeVersion: process.version,
      randomId: randomUUID,
      freeBytes: () => freeBytes(dependencies.mirrorFolder, freeBytesFloor),
      plannedDiskBytes: () =>
        askLedger(async ledger => {
          const seen = await survey(dependencies, ledger, { only: null, limits: config.limits, readOnly: true })
          return seen.forecast.diskBytes
        }),
      signal,
    })
    context.log.clear()
    if (flags.json) context.print(JSON.stringify({ schemaVersion: 1, diagnoses }, null, 2))
    else for (const diagnosis of diagnoses) context.print(line(diagnosis))
    return diagnoses.some(({ outcome }) => outcome === 'bad') ? exitCodes.couldNotWork : exitCodes.good
  } finally {
    await repository.close()
    await ledgerStore?.close()
    await outputStore?.close()
    await seals?.store.close()
    await close()
  }
}

/** Each SDK is loaded only where there is something to ask. */
async function awsQuestions(
  { metrics, notify, repository }: AuditConfig,
  clock: CliContext['clock'],
): Promise<Pick<DoctorDependencies, 'putProbe' | 'askTopic'>> {
  const { putProbe } = metrics.enabled ? await import('../metrics/put.ts') : { putProbe: null }
  const { topicArn, endpointUrl } = notify
  const { askTopic } = topicArn === null ? { askTopic: null } : await import('../notify/subscriptions.ts')
  return {
    putProbe: putProbe === null ? null : signal => putProbe({ ...metrics, clock, signal }, repository.name),
    askTopic: askTopic === null || topicArn === null ? null : signal => askTopic({ topicArn, endpointUrl, signal }),
  }
}

/** Null: neither ping nor webhook is configured. A header that is not there is the answer. */
function notificationsQuestion(
  context: CliContext,
  config: AuditConfig,
  version: string,
  send: boolean,
): DoctorDependencies['tryNotifications'] {
  const { ping, webhook } = config.notify
  if (ping.url === null && webhook.url === null) return null
  return async signal => {
    const notifier = openNotifier(context, config, version)
    const { name, url } = config.repository
    if (send) await notifier?.tryOut({ name, url }, signal)
    return { places: notifier?.places ?? '', sent: send }
  }
}

function line({ check, outcome, message, advice }: Diagnosis): string {
  return (
    safeText(`${marks[outcome]}${check}: ${message}`) +
    (advice === '' ? '' : safeText(`     ${advice}`).replace(/^/, '\n'))
  )
}
