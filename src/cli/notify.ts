/** `audit` and `collect` tell others how they began and ended, once everything else is done: ping and webhook of the configuration. */
import { join } from 'node:path'
import { describeError, type ExitCode, exitCodes, isSnapproofError, SnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { RunResult } from '../model/run.ts'
import type { Ending } from '../notify/messages.ts'
import { createNotifier, type Notifier } from '../notify/notifier.ts'
import type { RunDependencies } from '../run/dependencies.ts'
import { isoTime } from '../time.ts'
import type { CliContext } from './context.ts'
import { readPackage } from './files.ts'
import { safeText } from './log.ts'

/** What a command says of itself while it works. */
export interface Notice {
  /** The run that it is about: what it is to be given. */
  of(dependencies: RunDependencies): RunDependencies
  /** It came to a result. */
  came(run: RunResult): void
  /** Another has told of it before. */
  nothingWasDone(): void
}

/** Of commands that tell nobody. */
export const noNotice: Notice = { of: dependencies => dependencies, came: () => {}, nothingWasDone: () => {} }

export interface NoticeOptions {
  readonly command: Ending['command']
  /** `--no-notify`. */
  readonly silent?: boolean
  readonly webhookOnly?: boolean
}

/**
 * Does the work and tells of its end: the exit code, or what it threw. A run that leaves because another holds the lease tells nobody:
 * whoever holds it does.
 *
 * @throws what the work throws; SnapproofError `configuration` when the header of the webhook is not there
 */
export async function notified(
  context: CliContext,
  config: AuditConfig,
  { command, silent = false, webhookOnly = false }: NoticeOptions,
  work: (notice: Notice) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { version } = await readPackage()
  const notifier = silent ? null : openNotifier(context, config, version)
  if (notifier === null) return work(noNotice)
  let of: Pick<RunDependencies, 'runId' | 'output'> | null = null
  let run: RunResult | null = null
  let wasDoneBefore = false
  const notice: Notice = {
    of(dependencies) {
      of = dependencies
      return webhookOnly ? dependencies : { ...dependencies, notifyStarted: () => notifier.started(dependencies.runId) }
    },
    came: result => {
      run = result
    },
    nothingWasDone: () => {
      wasDoneBefore = true
    },
  }
  const tell = (exit: Ending['exit']) => {
    const { name, url } = config.repository
    const endedAt = isoTime(context.clock.nowMs())
    const safe = { ...exit, reason: safeText(exit.reason) }
    const report = reportOf(config, run, of)
    const ending = {
      runId: of?.runId ?? null,
      command,
      repository: { name, url },
      version,
      endedAt,
      exit: safe,
      run,
      report,
    }
    return notifier.ended(ending, { ping: !webhookOnly })
  }
  let code: ExitCode
  try {
    code = await work(notice)
  } catch (error) {
    const failed = isSnapproofError(error) ? error.exitCode : exitCodes.couldNotWork
    if (failed !== exitCodes.leaseHeld) await tell({ code: failed, applies: [failed], reason: describeError(error) })
    throw error
  }
  if (wasDoneBefore) return code
  // The exit code of the command is what the schedule sees, and so what is told.
  const exit = (run as RunResult | null)?.exit
  await tell(exit?.code === code ? exit : { code, applies: [code], reason: exit?.reason ?? '' })
  return code
}

function reportOf(
  { output: { store } }: AuditConfig,
  run: RunResult | null,
  of: Pick<RunDependencies, 'runId' | 'output'> | null,
): Ending['report'] {
  if (run === null || of === null) return null
  const file = join(of.output.folder, 'report.html')
  return { file, url: store === null ? null : `${store.url}/${of.runId}/report.html` }
}

/** Null: nobody is to be told. @throws SnapproofError `configuration` when the header of the webhook is not there */
export function openNotifier(
  { clock, log, signal, environment }: CliContext,
  { notify }: AuditConfig,
  version: string,
): Notifier | null {
  const { ping, webhook } = notify
  if (ping.url === null && webhook.url === null) return null
  const header = webhook.headerVariable === null ? null : headerOf(webhook.headerVariable, environment)
  return createNotifier({ ping: ping.url, webhook: webhook.url, header, version, clock, log, signal })
}

function headerOf(variable: string, environment: CliContext['environment']): readonly [string, string] {
  // RFC 9110, 5.6.2 and 5.5: what a name and a value may hold.
  const found =
    /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\u0021-\u007e](?:[\t\u0020-\u007e]*[\u0021-\u007e])?)[ \t]*$/.exec(
      environment[variable] ?? '',
    )
  const [, name, value] = found ?? []
  if (name !== undefined && value !== undefined) return [name, value]
  const got = environment[variable] === undefined ? 'is not set' : 'holds no header'
  throw new SnapproofError('configuration', `notify.webhook.headerVariable: the variable ${variable} ${got}`, {
    advice: 'It holds one line: the name of the header, a colon, its value.',
  })
}
