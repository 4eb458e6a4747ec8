/** `judge`: the saved evidence of a run, judged again without repository, ledger and engine. */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskError, type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { parseRun } from '../report/run-json.ts'
import { type JudgedRun, judgeRun } from '../run/judgeRun.ts'
import { mustSee, selfCheck } from '../run/selfCheck/selfCheck.ts'
import { type CliContext, type CommonFlags, readConfig } from './context.ts'
import { safeText } from './log.ts'

export interface JudgeFlags extends CommonFlags {
  readonly run: string
}

/** 1: something fails; 4: something could not be judged; 0. */
export async function judgeCommand(context: CliContext, flags: JudgeFlags): Promise<ExitCode> {
  const configured = flags.config ?? context.environment.SNAPPROOF_CONFIG
  const config = configured === undefined ? null : await readConfig(context, flags, undefined)
  const folder = await folderOf(flags.run)
  const text = await readOrNull(join(folder, 'run.json'))
  if (text === null)
    throw new SnapproofError('usage', `there is no run.json in ${folder}`, {
      advice: 'Name the folder of a run, or its run.json.',
    })
  mustSee(await selfCheck(context.clock, context.signal))
  const judged = await judgeRun({
    run: parseRun(text),
    // A name in run.json is not to lead out of the folder.
    read: name =>
      /^evidence\/[A-Za-z0-9._-]+\.json$/.test(name) ? readOrNull(join(folder, name)) : Promise.resolve(null),
    rules: config?.rules ?? [],
    accepted: config?.policy.accepted ?? [],
  })
  context.print(flags.json === true ? `${JSON.stringify(judged, null, 2)}\n` : judgeText(judged, config === null))
  const verdicts = [...judged.restores, ...judged.verdicts].map(({ verdict }) => verdict)
  const isError = judged.findings.some(({ severity }) => severity === 'error')
  if (verdicts.includes('fail') || isError) return exitCodes.finding
  return verdicts.includes('inconclusive') || judged.notes.length > 0 ? exitCodes.debtBeyondPolicy : exitCodes.good
}

async function folderOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null)
  return found?.isFile() === true ? dirname(path) : path
}

/** Evidence of one restore has some kilobytes, that of all rules some megabytes. */
const mostBytes = 512 * 1024 * 1024

async function readOrNull(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path)
    if (size > mostBytes) throw new SnapproofError('usage', `${path} has ${size} bytes; read are at most ${mostBytes}`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof SnapproofError) throw error
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw diskError(error, 'read', path)
  }
}

function judgeText(
  { runId, restores, rules, findings, newRules, missing, differences, notes }: JudgedRun,
  bare: boolean,
): string {
  const count = (verdict: string) => restores.filter(one => one.verdict === verdict).length
  const lines = [
    `${runId}: ${restores.length} restores judged again: ${count('pass')} pass, ${count('fail')} fail, ${count('inconclusive')} inconclusive.`,
    ...restores.flatMap(one =>
      one.verdict === 'pass' ? [] : [`  ${one.verdict}  ${one.index} in ${one.snapshot}: ${one.message}`],
    ),
  ]
  if (bare)
    lines.push('No configuration was named: the built-in rules alone were asked. --config FILE brings your rules.')
  for (const rule of rules?.rules ?? []) {
    const { pass, fail, inconclusive } = rule.judged
    const isNew = newRules.includes(rule.name) ? ' (not among the rules of that run)' : ''
    lines.push(
      `rule ${JSON.stringify(rule.name)}${isNew}: ${rule.wants}: ${pass} pass, ${fail} fail, ${inconclusive} inconclusive`,
    )
  }
  for (const { severity, message } of findings) lines.push(`  ${severity}  ${message}`)
  if (missing > 0)
    lines.push(`${missing} indices in snapshots have no answer to a rule: it was not asked when they were restored.`)
  lines.push(...notes.map(note => `  ${note}`))
  lines.push(
    differences.length === 0 ? 'The run said the same.' : `The run said otherwise in ${differences.length} places:`,
  )
  lines.push(...differences.slice(0, 50).map(one => `  ${one}`))
  return `${lines.map(safeText).join('\n')}\n`
}
