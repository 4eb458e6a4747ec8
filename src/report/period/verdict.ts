/** The answer to "was every test that should have happened done, and what came of it", in words. Bad news first. */
import type { PeriodReport, PeriodVerdict } from '../../model/period.ts'
import { count, counted, minute } from '../format.ts'

type Told = Omit<PeriodReport, 'verdict' | 'clauses' | 'limits'>

export function verdictOf(told: Told): PeriodVerdict {
  const detail = detailsOf(told)
  const { runs, schedule } = told
  if (runs.length === 0)
    return {
      tone: 'blind',
      word: 'Nothing was tested',
      title: `No run ended in ${told.period.name}: nothing at all was tested`,
      detail,
    }
  if (told.totals.worked === 0)
    return {
      tone: 'blind',
      word: 'Nothing was tested',
      title: `None of ${counted(runs.length, 'run')} in ${told.period.name} did its work`,
      detail,
    }
  const failing = failingAtEnd(told)
  const errors = openErrors(told)
  if (failing > 0 || errors > 0)
    return {
      tone: 'failing',
      word: 'Failing at the end',
      title:
        failing > 0
          ? `${counted(failing, 'snapshot')} failed and ${failing === 1 ? 'was' : 'were'} not cured when the period ended`
          : `${counted(errors, 'error')} ${errors === 1 ? 'was' : 'were'} not cured when the period ended`,
      detail,
    }
  if (schedule.done < schedule.planned)
    return {
      tone: 'open',
      word: 'With gaps',
      title: `${count(schedule.done)} of ${counted(schedule.planned, 'planned run')} did their work`,
      detail,
    }
  const restore = told.population.levels.find(({ level }) => level === 'restore')
  const unproven = restore === undefined ? 0 : restore.inconclusive + restore.unknown
  if (unproven > 0 || (restore?.pass ?? 0) === 0)
    return {
      tone: 'open',
      word: 'Not all proven',
      title: `Every planned run did its work; ${count(restore?.pass ?? 0)} of ${counted(told.population.present, 'snapshot')} ${(restore?.pass ?? 0) === 1 ? 'is' : 'are'} proven to restore`,
      detail,
    }
  const unclear = told.findings.filter(({ state, severity }) => severity === 'error' && state === 'not known').length
  if (unclear > 0 || told.documents.kept < runs.length || !told.period.over)
    return {
      tone: 'open',
      word: told.period.over ? 'Not all known' : 'So far',
      title: told.period.over
        ? 'Every planned run did its work; not everything that they said is kept'
        : 'Every planned run so far did its work; the period is not over',
      detail,
    }
  return {
    tone: 'good',
    word: 'Complete',
    title: `All ${counted(schedule.planned, 'planned run')} did their work, and every snapshot that can be restored is proven`,
    detail,
  }
}

/** Snapshots, each once, whatever the levels at which it failed. */
export function failingAtEnd({ failures }: Pick<PeriodReport, 'failures'>): number {
  return new Set(failures.filter(({ openAtEnd }) => openAtEnd).map(({ uuid }) => uuid)).size
}

function openErrors({ findings }: Pick<PeriodReport, 'findings'>): number {
  return findings.filter(({ state, severity }) => state === 'open' && severity === 'error').length
}

function detailsOf(told: Told): string[] {
  const { schedule, period, documents, runs, unfinished, failures, findings, population } = told
  const { missed, notWorked } = schedule
  const without = [
    missed > 0 && `${count(missed)} without any run`,
    notWorked > 0 && `${count(notWorked)} with runs that did not do their work`,
    schedule.unfinished > 0 && `${count(schedule.unfinished)} with a run that never came to its end`,
  ].filter(part => part !== false)
  const cured = failures.filter(({ curedAt }) => curedAt !== null).length
  const accepted = findings.filter(({ state }) => state === 'accepted').length
  const restore = population.levels.find(({ level }) => level === 'restore')
  return [
    !period.over && `The period is not over: this is what was known ${minute(period.reportedTo)}.`,
    schedule.planned === 0 && 'No planned run of it is over yet.',
    without.length > 0 && `Of ${counted(schedule.planned, 'planned run')}: ${without.join(', ')}.`,
    unfinished.length > 0 && `${counted(unfinished.length, 'run')} began and never came to the end.`,
    restore !== undefined &&
      `When somebody looked last, ${count(restore.pass)} of ${counted(population.present, 'snapshot')} ${restore.pass === 1 ? 'was' : 'were'} proven to restore.`,
    population.asOf === null && runs.length > 0 && 'No run of the period says which snapshots there were.',
    cured > 0 && `${counted(cured, 'failure')} of snapshots ${cured === 1 ? 'was' : 'were'} cured.`,
    accepted > 0 && `${counted(accepted, 'finding')} ${accepted === 1 ? 'is' : 'are'} accepted by somebody.`,
    documents.kept < runs.length &&
      `The run.json of ${count(runs.length - documents.kept)} of ${counted(runs.length, 'run')} could not be read: what only it holds is missing here.`,
  ].filter(part => part !== false)
}
