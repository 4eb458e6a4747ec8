/** `snapproof ledger …`: what the ledger knows, and looking after it. */
import type { Argv } from 'yargs'
import type { ExitCode } from '../errors.ts'
import { questions } from '../ledger/show/answer.ts'
import type { CliContext, CommonFlags } from './context.ts'
import {
  exportCommand,
  foldCommand,
  rebuildCommand,
  restoreCommand,
  unlockCommand,
  versionsCommand,
} from './ledgerCare.ts'
import { showCommand } from './ledgerShow.ts'

export function ledgerCommands<Flags extends CommonFlags>(
  parser: Argv<Flags>,
  context: CliContext,
  set: (command: Promise<ExitCode>) => Promise<void>,
) {
  return parser
    .command(
      'show [question]',
      'What the ledger knows: overview, debt, runs, gaps, snapshots, failures, restores, index, good',
      y =>
        y
          .positional('question', {
            choices: questions,
            default: 'overview' as const,
            describe:
              'debt: after each run; runs: planned and executed; gaps: when nobody looked; snapshots: when each reached each level by which proof; failures: found and cured; restores: every attempt; index: history of one; good: last good snapshot of each index',
          })
          .option('csv', { type: 'boolean', describe: 'The result as CSV on stdout' })
          .option('at', {
            type: 'string',
            describe: 'As it was known then: a date or time (UTC); a day is meant to its end',
          })
          .option('from', { type: 'string', describe: 'Runs that ended from then on' })
          .option('to', { type: 'string', describe: 'Runs that ended until then' })
          .option('index', { type: 'string', describe: 'Only this index' })
          .option('snapshot', { type: 'string', describe: 'Only this snapshot, by name or uuid' }),
      argv => set(showCommand(context, argv)),
    )
    .command(
      'versions',
      'The versions of the stored ledger: time, size, whether each is good',
      y => y.option('limit', { type: 'number', default: 10, describe: 'Fetch and look at so many, newest first' }),
      argv => set(versionsCommand(context, argv)),
    )
    .command(
      'restore',
      'Put a version of the ledger back; journals since then are folded into it again',
      y =>
        // `--version` is this flag here, and the version of the program everywhere else.
        y
          .version(false)
          .option('version', { type: 'string', demandOption: true, describe: 'As `ledger versions` shows it' })
          .option('dry-run', { type: 'boolean', describe: 'Only say what it would hold' }),
      argv => set(restoreCommand(context, argv)),
    )
    .command(
      'rebuild',
      'Make the ledger from its journals alone',
      y =>
        y
          .option('dry-run', { type: 'boolean', describe: 'Only compare with the current one' })
          .option('force', { type: 'boolean', describe: 'Although it lacks what the current one holds' }),
      argv => set(rebuildCommand(context, argv)),
    )
    .command(
      'fold',
      'Fold now what dead runs journalled, and store the ledger',
      y => y,
      argv => set(foldCommand(context, argv)),
    )
    .command(
      'export <file>',
      'A plain SQLite file for sqlite3 and Datasette',
      y => y.positional('file', { type: 'string', demandOption: true, describe: 'A file that is not there yet' }),
      argv => set(exportCommand(context, argv)),
    )
    .command(
      'unlock',
      'Take the lease from a run that is dead for certain; without --owner it says who holds it',
      y => y.option('owner', { type: 'string', describe: 'Name of the holder, exactly as it is shown' }),
      argv => set(unlockCommand(context, argv)),
    )
    .demandCommand(1, 'Which one? `snapproof ledger --help` lists them.')
}
