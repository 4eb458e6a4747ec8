/** `report`: the report of one run again, or that of a period. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { renderReport } from '../report/render.ts'
import { parseRun, serializeRun } from '../report/run-json.ts'
import { renderSummary } from '../report/summary.ts'
import type { CliContext, CommonFlags } from './context.ts'
import { readStyle } from './files.ts'
import { type PeriodFlags, periodCommand } from './periodCommand.ts'

export function reportFlags<Flags extends CommonFlags>(parser: Argv<Flags>) {
  return parser
    .positional('run', { type: 'string', describe: 'The folder of a run, or its run.json' })
    .option('html', { type: 'boolean', describe: 'Print the page instead of the summary' })
    .option('period', { type: 'string', describe: 'A month 2026-07, a quarter 2026-Q3, a year 2026 (UTC)' })
    .option('from', { type: 'string', describe: 'With --to instead of --period: the first day' })
    .option('to', { type: 'string', describe: 'The last day' })
    .option('out', { type: 'string', describe: 'Folder for period.html, period.json and period.jsonl' })
    .option('runs', { type: 'string', describe: 'Folder or URL of the runs; default those of the configuration' })
    .option('every-days', { type: 'number', describe: 'One run is planned every so many days; default 1' })
    .option('restore-target', {
      type: 'string',
      describe: 'What a restore of a whole snapshot may take, such as 4h (default: what the runs were given)',
    })
}

/** Draws a report again from `run.json`, or from the folder that holds it. */
export async function reportCommand(
  context: CliContext,
  flags: PeriodFlags & { readonly run?: string | undefined },
): Promise<ExitCode> {
  const isPeriod = [flags.period, flags.from, flags.to].some(flag => flag !== undefined)
  if (isPeriod && flags.run !== undefined)
    throw new SnapproofError('usage', 'both a run and a period are given: one of them', {
      advice: 'The runs of a period are looked for where the configuration puts them; --runs names another place.',
    })
  if (isPeriod) return periodCommand(context, flags)
  if (flags.run === undefined)
    throw new SnapproofError('usage', 'the report of what?', {
      advice: 'Name the folder of a run, or a period: --period 2026-Q3 --config FILE.',
    })
  const needless = (['out', 'runs', 'everyDays', 'restoreTarget'] as const).find(flag => flags[flag] !== undefined)
  if (needless !== undefined)
    throw new SnapproofError('usage', `--${needless.replace(/[A-Z]/g, x => `-${x.toLowerCase()}`)} belongs to --period`)
  const run = parseRun(await readRunFile(flags.run))
  if (flags.json) context.print(serializeRun(run).trimEnd())
  else if (flags.html) context.print(renderReport(run, await readStyle()).trimEnd())
  else context.print(renderSummary(run).trimEnd())
  return exitCodes.good
}

const maxRunBytes = 512 * 1024 * 1024

async function readRunFile(path: string): Promise<string> {
  try {
    const found = await stat(path)
    const file = found.isDirectory() ? join(path, 'run.json') : path
    const { size } = await stat(file)
    if (size > maxRunBytes) throw new SnapproofError('usage', `${file} has ${size} bytes, which no run.json has`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof SnapproofError) throw error
    throw new SnapproofError('usage', `there is no run.json to read at ${path}`, {
      advice: 'Name the folder of a run, or its run.json.',
      cause: error,
    })
  }
}
