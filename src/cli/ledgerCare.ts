/** The commands that look after the ledger itself: versions, restore, rebuild, fold, export, unlock. */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { exportLedger } from '../ledger/export.ts'
import { openLedger } from '../ledger/open.ts'
import { readLedger } from '../ledger/read.ts'
import { type Rebuilt, type RowCounts, rebuild } from '../ledger/rebuild.ts'
import { unlock } from '../ledger/unlock.ts'
import { listVersions, restoreVersion, type VersionRow } from '../ledger/versions.ts'
import type { CliContext, CommonFlags } from './context.ts'
import { holderOf, type LedgerPlace, openPlace, withLedger } from './ledgerPlace.ts'
import { bytesText, countText, tableText } from './words.ts'

/** Opens the place, says the value as JSON or text, closes the place. */
async function say<T extends object>(
  context: CliContext,
  flags: CommonFlags,
  work: (place: LedgerPlace) => Promise<T>,
  text: (value: T) => string,
): Promise<ExitCode> {
  const place = await openPlace(context, flags)
  try {
    const value = await work(place)
    context.log.clear()
    context.print(flags.json ? JSON.stringify({ schemaVersion: 1, ...value }, null, 2) : text(value))
    return exitCodes.good
  } finally {
    await place.close()
  }
}

export function versionsCommand(
  context: CliContext,
  flags: CommonFlags & { readonly limit: number },
): Promise<ExitCode> {
  if (!Number.isSafeInteger(flags.limit) || flags.limit < 1)
    throw new SnapproofError('usage', `--limit is ${flags.limit}, expected a whole number above 0`)
  return say(
    context,
    flags,
    async place => ({ versions: await listVersions(place, flags.limit, context.signal), place: placeName(place) }),
    ({ versions, place }) => (versions === null ? `${place} keeps no versions.` : versionsText(versions)),
  )
}

function placeName({ store, file }: LedgerPlace): string {
  return store?.url ?? file
}

function versionsText(versions: readonly VersionRow[]): string {
  if (versions.length === 0) return 'There is no version: no ledger was ever stored there.'
  const rows = versions.map(row => [
    row.versionId,
    row.modifiedAt,
    bytesText(row.bytes),
    row.good ? (row.current ? 'good, current' : 'good') : `not good: ${row.problem}${row.current ? ' (current)' : ''}`,
    row.schemaVersion === null ? '-' : String(row.schemaVersion),
    countText(row.runs),
    row.lastRunEndedAt ?? '-',
    countText(row.journals),
  ])
  return tableText([
    ['VERSION', 'STORED', 'SIZE', 'STATE', 'SCHEMA', 'RUNS', 'LAST RUN', 'JOURNALS REMEMBERED'],
    ...rows,
  ])
}

export function restoreCommand(
  context: CliContext,
  flags: CommonFlags & { readonly version: string; readonly dryRun?: boolean | undefined },
): Promise<ExitCode> {
  return say(
    context,
    flags,
    place => restoreVersion(place, flags.version, flags.dryRun ? null : holderOf(context, place), context.signal),
    ({ versionId, written, runs, runsThen, journalsToFold }) =>
      `Version ${versionId} ${written ? 'is the ledger now' : 'would be put back'}: ${countText(runs)} runs. The next run folds ` +
      `${countText(journalsToFold)} journals into it again, which makes ${countText(runsThen)} runs.`,
  )
}

export function rebuildCommand(
  context: CliContext,
  flags: CommonFlags & { readonly dryRun?: boolean | undefined; readonly force?: boolean | undefined },
): Promise<ExitCode> {
  return say(
    context,
    flags,
    place => rebuild(place, flags.dryRun ? null : holderOf(context, place), flags.force ?? false, context.signal),
    rebuiltText,
  )
}

function rebuiltText({
  journals,
  oldestJournalAt,
  problems,
  rows,
  lacks,
  missingRuns,
  warnings,
  written,
  aside,
}: Rebuilt): string {
  const oldest = oldestJournalAt === null ? '' : `, the oldest of ${oldestJournalAt}`
  const names = Object.keys(rows) as (keyof RowCounts)[]
  return [
    `${written ? 'The ledger is' : 'The ledger would be'} what ${countText(journals)} journals say${oldest}. What older ones said is not in it.`,
    tableText([
      ['ROWS', 'REBUILT', 'ONLY IN THE LEDGER NOW'],
      ...names.map(name => [name, countText(rows[name]), countText(lacks[name])]),
    ]),
    ...(missingRuns === 0
      ? []
      : [`${countText(missingRuns)} earlier runs are known to have been and are lost: their journals are gone.`]),
    ...(aside === null ? [] : [`The ledger of before lies at ${aside}.`]),
    ...[...problems, ...warnings].map(text => tableText([[`! ${text}`]])),
  ].join('\n')
}

/** Takes the lease only where there is something to fold. */
export function foldCommand(context: CliContext, flags: CommonFlags): Promise<ExitCode> {
  return say(
    context,
    flags,
    async place => {
      const { signal, log } = context
      const pending = await readLedger(place, signal)
      pending.close()
      const warnings = [...pending.warnings]
      if (pending.folded === 0) return { folded: 0, warnings }
      const { repositoryName, store, file } = place
      const ledger = await openLedger({ ...holderOf(context, place), repositoryName, store, file, signal })
      try {
        await ledger.store(signal)
        for (const warning of ledger.warnings) log.warn(warning)
        return { folded: pending.folded, warnings: [...ledger.warnings] }
      } finally {
        await ledger.close()
      }
    },
    ({ folded, warnings }) =>
      [
        folded === 0
          ? 'Nothing to fold: the ledger knows all its journals.'
          : `${countText(folded)} journals are folded and the ledger is stored.`,
        ...warnings.map(text => tableText([[`! ${text}`]])),
      ].join('\n'),
  )
}

export async function exportCommand(
  context: CliContext,
  flags: CommonFlags & { readonly file: string },
): Promise<ExitCode> {
  const exported = await withLedger(context, flags, ({ file }, { repositoryName }) =>
    exportLedger(file, resolve(flags.file), { repositoryName, nowMs: context.clock.nowMs() }),
  )
  context.log.clear()
  const rows = Object.entries(exported.rows).map(([table, count]) => [table, countText(count)])
  context.print(
    flags.json
      ? JSON.stringify({ schemaVersion: 1, ...exported }, null, 2)
      : [`${exported.file}`, tableText([['TABLE', 'ROWS'], ...rows])].join('\n'),
  )
  return exitCodes.good
}

export function unlockCommand(
  context: CliContext,
  flags: CommonFlags & { readonly owner?: string | undefined },
): Promise<ExitCode> {
  return say(
    context,
    flags,
    place => {
      if (place.store === null)
        throw new SnapproofError('usage', `${place.file} is a local ledger: its lock ends with the process that has it`)
      return unlock(
        { store: place.store, clock: context.clock, randomId: randomUUID },
        flags.owner ?? null,
        context.signal,
      )
    },
    ({ unlocked, owner, runId, since }) =>
      unlocked ? `The lease of ${owner} (run ${runId}) since ${since} is taken from it.` : 'Nobody holds the lease.',
  )
}
