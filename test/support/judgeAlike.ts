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
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => null)
  const { differences, notes, restores } = await judgeRun({
    run,
    read,
    rules: config?.rules ?? [],
    accepted: config?.policy.accepted ?? [],
  })
  const kept = run.restores.filter(({ evidence }) => evidence !== null).length
  if (differences.length > 0 || notes.length > 0 || restores.length !== kept)
    throw new Error(
      `judge is not of the run's opinion: ${[...differences, ...notes, `${restores.length} of ${kept} restores`].join('; ')}`,
    )
}
