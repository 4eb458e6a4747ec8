/** What a report for a period does not say. */
import type { PeriodReport } from '../../model/period.ts'
import { count, counted } from '../format.ts'

export function limitsOf(told: Omit<PeriodReport, 'verdict' | 'clauses' | 'limits'>, lostRuns: number): string[] {
  const { runs, documents, population, findings } = told
  const unclear = findings.filter(({ state }) => state === 'not known').length
  return [
    `A planned run is one in ${told.schedule.everyDays === 1 ? 'every UTC day' : `every ${told.schedule.everyDays} days`}, by the time at which it began. The report does not know what your schedule says.`,
    'Snapshots that were taken and deleted between two runs, or after the last one, were seen by nobody.',
    'A pass at the level restore says that a throwaway server recovered every shard with the expected files and documents, not that the documents are what you meant to keep.',
    'A content that is restored from one snapshot counts for every other that holds exactly the same blobs, unless the policy says credit: strict.',
    'Times are those of the clocks of the machines.',
    documents.kept < runs.length &&
      `${count(runs.length - documents.kept)} of ${counted(runs.length, 'run')} left no run.json that could be read. Findings, acceptances, samples and forecasts of these are missing; runs, restores and what snapshots reached are from the ledger and complete.`,
    lostRuns > 0 &&
      `The ledger was rolled back or damaged once: ${counted(lostRuns, 'run')} that it should know ${lostRuns === 1 ? 'is' : 'are'} missing from it.`,
    population.goneUnproven > 0 &&
      `${counted(population.goneUnproven, 'snapshot')} went before ${population.goneUnproven === 1 ? 'it was' : 'they were'} ever proven to restore.`,
    unclear > 0 &&
      `Of ${counted(unclear, 'finding')} it is not known whether ${unclear === 1 ? 'it is' : 'they are'} cured: no run told ${unclear === 1 ? 'it' : 'them'} again, and what ${unclear === 1 ? 'it hits' : 'they hit'} is not proven either.`,
    told.seals.heads.length === 0 &&
      'The ledger knows no seal: nothing but the place where they are kept protects the reports from being altered.',
  ].filter(part => part !== false)
}
