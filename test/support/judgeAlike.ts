/** `judge` equals the live verdict: asked of every run that tests and the demo make. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditConfig } from '../../src/model/config.ts'
import type { RunResult } from '../../src/model/run.ts'
import { judgeRun } from '../../src/run/judgeRun.ts'

/**
 * The evidence of a run, judged again offline, says what the run said.
 *
 * @param config absent: only restores are judged, of which no rule of the owner's speaks
 */
export async function mustJudgeAlike(
  folder: string,
  run: RunResult,
  config?: Pick<AuditConfig, 'rules' | 'policy'>,
): Promise<void> {
  const wrong = await unlikeRun(folder, run, config)
  if (wrong.length > 0) throw new Error(`judge is not of the run's opinion: ${wrong.join('; ')}`)
}

/** Where `judge` is not of the opinion of the run, in sentences. `isCutShort`: evidence may be missing; what is there must still say the same. */
export async function unlikeRun(
  folder: string,
  run: RunResult,
  config?: Pick<AuditConfig, 'rules' | 'policy'>,
  isCutShort = false,
): Promise<string[]> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => null)
  const { differences, notes, restores } = await judgeRun({
    run,
    read,
    rules: config?.rules ?? [],
    accepted: config?.policy.accepted ?? [],
  })
  const kept = run.restores.filter(({ evidence }) => evidence !== null).length
  if (isCutShort) return [...differences]
  const lacking = restores.length === kept ? [] : [`evidence of ${restores.length} of ${kept} restores`]
  return [...differences, ...notes, ...lacking]
}
