/** The command line: one yargs program. Unknown commands and flags are usage errors, exit code 64. */
import type { Argv } from 'yargs'
import yargs from 'yargs'
import { describeError, type ExitCode, exitCodes, isSnapproofError, SnapproofError } from '../errors.ts'
import { checkLevels } from '../run/checkReport.ts'
import { childVariable, collectCommand, workCommand } from './arrayCommands.ts'
import { checkCommand } from './checkCommand.ts'
import { auditCommand, inspectCommand, planCommand, verifyCommand } from './commands.ts'
import type { CliContext } from './context.ts'
import { doctorCommand } from './doctor.ts'
import { judgeCommand } from './judgeCommand.ts'
import { ledgerCommands } from './ledgerCommands.ts'
import { safeText } from './log.ts'
import { rehearseCommand } from './rehearseCommand.ts'
import { reportCommand, reportFlags } from './reportCommand.ts'
import { sealCommands } from './sealCommands.ts'

export interface Program {
  /** Never throws for what a user did wrong; says it on stderr. */
  run(args: readonly string[]): Promise<ExitCode>
}

const exitText = `Exit codes: 0 the work is done and nothing is wrong; 1 a finding of severity error; 2 the run could not do its work;
3 another run holds the lease; 4 debt beyond policy; 64 usage or configuration.`

export function createProgram(context: CliContext, write: (text: string) => void, version: string): Program {
  return {
    async run(args) {
      let code: ExitCode = exitCodes.good
      const set = (command: Promise<ExitCode>) =>
        command.then(found => {
          code = found
        })
      const parser = common(
        yargs([...args])
          .scriptName('snapproof')
          .version(version),
      )
        .command(
          'audit',
          'The night: check all snapshots, restore what is in debt, report',
          y =>
            notifyFlag(runFlags(limitFlags(y))).option('dry-run', {
              type: 'boolean',
              describe: 'Only say what it would do: `plan`',
            }),
          argv => set(auditCommand(context, argv)),
        )
        .command(
          'plan',
          'What `audit` would restore now, and what it would cost; spends nothing. With --children it is left to an array of machines',
          y =>
            limitFlags(y)
              .option('children', {
                type: 'number',
                describe: 'Share it among at most so many machines: write the plan and leave the lease to it',
              })
              .option('out', {
                type: 'string',
                describe: 'URL of the plan, ending with /plan.json; default arrays/RUN/plan.json below the ledger',
              })
              .option('rehearse', {
                type: 'string',
                describe: 'Which snapshots die at an upgrade, from metadata: 9, 9.2, elasticsearch-9.5.3, opensearch-3',
              })
              .option('deadline', {
                type: 'string',
                describe: 'The plan holds the lease for so long at most, such as 24h, which is the default',
              }),
          argv => set(planCommand(context, argv)),
        )
        .command(
          'work',
          'One machine of an array: restores its part of a plan',
          y =>
            planFlag(y).option('child', {
              type: 'number',
              describe: `Which machine this is, from 0; default ${childVariable}`,
            }),
          argv => set(workCommand(context, argv)),
        )
        .command(
          'collect',
          'The end of an array: takes in what its machines did, judges, reports, gives the lease back',
          y => notifyFlag(runFlags(planFlag(y))),
          argv => set(collectCommand(context, argv)),
        )
        .command(
          'inspect [url]',
          'What is in the repository, and what a restore must yield',
          y =>
            y
              .positional('url', {
                type: 'string',
                describe: 's3://bucket/base/path or file:///path; no configuration needed',
              })
              .option('jsonl', {
                type: 'boolean',
                describe: 'One JSON line for the repository, each snapshot, the totals',
              })
              .option('snapshot', { type: 'string', describe: 'Only this snapshot' })
              .option('index', { type: 'string', describe: 'Only this index' })
              .option('shards', { type: 'boolean', default: true, describe: 'With each shard' }),
          argv => set(inspectCommand(context, argv)),
        )
        .command(
          'check [url]',
          'Catalogue, presence, bytes of all snapshots; no engine, nothing restored. With --ledger or --config it remembers',
          y =>
            y
              .positional('url', {
                type: 'string',
                describe: 's3://bucket/base/path or file:///path; no configuration needed',
              })
              .option('level', {
                choices: checkLevels,
                default: 'presence' as const,
                describe: 'How deep to look; bytes reads everything',
              })
              .option('max-bytes', { type: 'string', describe: 'Read at most so many bytes of data, such as 500GiB' })
              .option('max-duration', { type: 'string', describe: 'Begin nothing new after this time, such as 4h' })
              .option('max-requests', { type: 'number', describe: 'Begin nothing new after so many requests' })
              .option('checksum-report', {
                type: 'string',
                array: true,
                describe:
                  'manifest.json of an S3 Batch Operations report "Compute checksum": what it proves is not read',
              })
              .option('footers', {
                type: 'boolean',
                describe: 'Look at the last 16 bytes of every data file: a cheap sample, no proof of bytes',
              })
              .option('recorded-checksums', {
                type: 'boolean',
                describe: 'Take CRC-32s that S3 recorded at upload for proofs of bytes, once',
              }),
          argv => set(checkCommand(context, argv)),
        )
        .command(
          'verify [snapshots..]',
          'Restore these snapshots now, whatever was proven before',
          y =>
            runFlags(limitFlags(y))
              .positional('snapshots', { type: 'string', array: true, default: [] as string[] })
              .option('keep', {
                type: 'number',
                describe: 'Leave a restore that does not pass open for so many hours, and say how to look inside',
              })
              .option('rehearse', {
                type: 'string',
                describe:
                  'Would they survive an upgrade? Restores with an engine of this version what plan --rehearse lets survive; without snapshots the newest of each index. Proves and accuses nothing',
              })
              .conflicts('rehearse', ['keep', 'junit', 'openmetrics'])
              .check(({ snapshots, rehearse }) => {
                if (snapshots.length > 0 || rehearse !== undefined) return true
                throw new SnapproofError('usage', 'verify was given no snapshots', {
                  advice: 'Name them, or give --rehearse VERSION. `snapproof inspect` lists them.',
                })
              }),
          ({ rehearse, ...argv }) =>
            set(
              rehearse === undefined ? verifyCommand(context, argv) : rehearseCommand(context, { ...argv, rehearse }),
            ),
        )
        .command(
          'report [run]',
          'Draw the report of a run again, or with --period the report of a month, quarter or year for an auditor',
          reportFlags,
          argv => set(reportCommand(context, argv)),
        )
        .command(
          'judge <run>',
          'Judge the saved evidence of a run again, offline; with --config by your present rules, too',
          y =>
            y.positional('run', {
              type: 'string',
              demandOption: true,
              describe: 'The folder of a run, or its run.json',
            }),
          argv => set(judgeCommand(context, argv)),
        )
        .command('ledger', 'What the ledger knows, and looking after it', y => ledgerCommands(y, context, set))
        .command('seal', 'The signed, chained records of runs', y => sealCommands(y, context, set))
        .command(
          'doctor',
          'Is everything in place? Changes nothing',
          y =>
            y.option('send', {
              type: 'boolean',
              describe: 'Send a test to ping (URL/log, which changes no state) and webhook',
            }),
          argv => set(doctorCommand(context, argv)),
        )
        .demandCommand(1, 'Which command? `snapproof --help` lists them.')
        .strict()
        .recommendCommands()
        .wrap(null)
        .epilog(exitText)
        .exitProcess(false)
        .fail((message, error) => {
          throw error ?? new SnapproofError('usage', message, { advice: '`snapproof --help` says what there is.' })
        })
      try {
        await parser.parseAsync()
        return code
      } catch (error) {
        return sayError(error, context, write)
      }
    },
  }
}

function common<Flags>(parser: Argv<Flags>) {
  return parser
    .option('config', { type: 'string', describe: 'Configuration file; default SNAPPROOF_CONFIG', global: true })
    .option('json', { type: 'boolean', describe: 'The result as JSON on stdout', global: true })
    .option('log', { choices: ['person', 'plain', 'json'] as const, describe: 'How to log on stderr', global: true })
    .option('endpoint-url', { type: 'string', describe: 'Endpoint of an S3-compatible store', global: true })
    .option('region', { type: 'string', describe: 'Region of the bucket', global: true })
    .option('ledger', { type: 'string', describe: 'Local ledger file', global: true })
}

function planFlag<Flags>(parser: Argv<Flags>) {
  return parser.option('plan', {
    type: 'string',
    demandOption: true,
    describe: 'URL of the plan, as `plan --children` printed it',
  })
}

function limitFlags<Flags>(parser: Argv<Flags>) {
  return parser
    .option('max-snapshots', { type: 'number', describe: 'Restore from at most so many snapshots' })
    .option('max-bytes', { type: 'string', describe: 'Restore at most so many bytes, such as 500GiB' })
    .option('max-duration', { type: 'string', describe: 'Begin nothing new after this time, such as 4h' })
    .option('max-cost-usd', {
      type: 'string',
      describe: 'Begin nothing that would make the run cost more, such as 2.50; by what was measured',
    })
}

function notifyFlag<Flags>(parser: Argv<Flags>) {
  return parser.option('notify', { type: 'boolean', default: true, describe: 'Send ping and webhook' })
}

function runFlags<Flags>(parser: Argv<Flags>) {
  return parser
    .option('out', { type: 'string', describe: 'Folder for report.html, run.json and evidence' })
    .option('junit', { type: 'string', describe: 'Write the result as JUnit XML to this file, too' })
    .option('openmetrics', { type: 'string', describe: 'Write the metrics as OpenMetrics text to this file, too' })
    .option('metrics', { type: 'boolean', default: true, describe: 'Put metrics to CloudWatch' })
    .option('deep', {
      type: 'boolean',
      describe: 'Run Lucene’s CheckIndex on every restored shard; slow, see work.deep',
    })
}

function sayError(error: unknown, { log }: CliContext, write: (text: string) => void): ExitCode {
  log.clear()
  if (isSnapproofError(error)) {
    const text = `snapproof: ${describeError(error)}${error.advice === '' ? '' : `\n  ${error.advice}`}`
    // Messages quote names and answers that others chose.
    write(`${text.split('\n').map(safeText).join('\n')}\n`)
    return error.exitCode
  }
  // Not foreseen: the stack is what a bug report needs.
  write(`snapproof: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitCodes.couldNotWork
}
