/** The questions that a ledger file answers, by name. */
import { SnapproofError } from '../../errors.ts'
import type { LedgerFile } from '../ledgerFile.ts'
import type { Answer, Question, Scope } from './answer.ts'
import { showFailures } from './failures.ts'
import { showGood } from './good.ts'
import { showIndex } from './indexHistory.ts'
import { showOverview } from './overview.ts'
import { showRestores } from './restores.ts'
import { showDebt, showGaps, showRuns } from './runs.ts'
import { showSnapshots } from './snapshots.ts'

const answers: Readonly<Record<Question, (file: LedgerFile, scope: Scope) => Answer>> = {
  overview: showOverview,
  debt: showDebt,
  runs: showRuns,
  gaps: showGaps,
  snapshots: showSnapshots,
  failures: showFailures,
  restores: showRestores,
  index: showIndex,
  good: showGood,
}

/** @throws SnapproofError `usage` where the question needs an index and none is named; those of `localError` */
export function show(file: LedgerFile, question: Question, scope: Scope): Answer {
  if (question === 'index' && scope.index === null)
    throw new SnapproofError('usage', 'the history of which index?', { advice: 'Give --index NAME.' })
  return answers[question](file, scope)
}
