/** `doctor`: asks whether everything is in place, and says what to do where it is not. */
import { randomUUID } from 'node:crypto'
import { type ExitCode, exitCodes } from '../errors.ts'
import { freeBytes } from '../mirror/disk.ts'
import { type Diagnosis, diagnose } from '../run/doctor.ts'
import { survey } from '../run/survey.ts'
import { buildRun, type CliContext, type CommonFlags, freeBytesFloor, openConfigured, readConfig } from './context.ts'
import { safeText } from './log.ts'

const marks: Readonly<Record<Diagnosis['outcome'], string>> = { good: 'ok  ', bad: 'BAD ', 'not-proven': '?   ' }

export async function doctorCommand(context: CliContext, flags: CommonFlags): Promise<ExitCode> {
  const config = await readConfig(context, flags, undefined)
  const { clock, signal, environment } = context
  const { dependencies, close } = await buildRun(context, config, undefined)
  const repository = openConfigured(config.repository, clock, config.work.requests)
  const ledgerStore = config.ledger.store === null ? null : openConfigured(config.ledger.store, clock, 4)
  try {
    const diagnoses = await diagnose({
      config,
      repository,
      ledger: ledgerStore,
      environment,
      clock,
      nodeVersion: process.version,
      randomId: randomUUID,
      freeBytes: () => freeBytes(dependencies.mirrorFolder, freeBytesFloor),
      plannedDiskBytes: async () => {
        const ledger = await dependencies.openLedger({ readOnly: true })
        try {
          return (await survey(dependencies, ledger, { only: null, limits: config.limits, readOnly: true })).forecast
            .diskBytes
        } finally {
          await ledger.close()
        }
      },
      signal,
    })
    context.log.clear()
    if (flags.json) context.print(JSON.stringify({ schemaVersion: 1, diagnoses }, null, 2))
    else for (const diagnosis of diagnoses) context.print(line(diagnosis))
    return diagnoses.some(({ outcome }) => outcome === 'bad') ? exitCodes.couldNotWork : exitCodes.good
  } finally {
    await repository.close()
    await ledgerStore?.close()
    await close()
  }
}

function line({ check, outcome, message, advice }: Diagnosis): string {
  return (
    safeText(`${marks[outcome]}${check}: ${message}`) +
    (advice === '' ? '' : safeText(`     ${advice}`).replace(/^/, '\n'))
  )
}
