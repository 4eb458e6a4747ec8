/**
 * Which clauses of well-known regimes this report speaks to. Data, in our own words; what a clause means for somebody is for the auditor to say.
 * PCI DSS is not here: it has no clause that asks for tests of restores.
 */
import type { PeriodClause, PeriodReport } from '../../model/period.ts'
import { count, counted, days, seconds } from '../format.ts'

type Told = Omit<PeriodReport, 'verdict' | 'clauses' | 'limits'>

/** What a clause may ask for. Each is shown by a section, or is a gap. */
type Need =
  | 'schedule'
  | 'population'
  | 'integrity'
  | 'restores'
  | 'times'
  | 'failures'
  | 'sample'
  | 'exclusions'
  | 'segregation'
  | 'review'
  | 'quarter'

interface ClauseData {
  readonly id: string
  readonly regime: string
  readonly clause: string
  readonly asks: string
  readonly caveat: string
  readonly needs: readonly Need[]
  /** What it asks and no report of this program can show. */
  readonly beyond: readonly string[]
}

const clauses: readonly ClauseData[] = [
  {
    id: 'soc2-a1.3',
    regime: 'SOC 2, Trust Services Criteria',
    clause: 'A1.3',
    asks: 'Recovery procedures are tested against objectives; integrity and completeness of backup data are tested periodically.',
    caveat:
      'In a type 2 examination every period counts, so a run that did not happen is an exception. “At least yearly” is the practice of auditors and no word of the criterion.',
    needs: ['schedule', 'population', 'integrity', 'restores', 'times', 'failures', 'exclusions', 'review'],
    beyond: ['Tests of the other recovery procedures: people, sites, systems besides the snapshots.'],
  },
  {
    id: 'iso27001-a.8.13',
    regime: 'ISO/IEC 27001:2022',
    clause: 'A.8.13',
    asks: 'Copies of information, software and systems are kept and regularly tested as the policy for backups says.',
    caveat: 'It was A.12.3.1 in the edition before.',
    needs: ['schedule', 'population', 'restores', 'failures', 'exclusions', 'review'],
    beyond: ['The policy for backups itself, and the list of assets that the scope is compared with.'],
  },
  {
    id: 'nist-cp-9-1',
    regime: 'NIST SP 800-53 revision 5',
    clause: 'CP-9(1)',
    asks: 'Backup information is tested at a frequency that the organisation sets, for reliability of the media and integrity of the information.',
    caveat:
      'The guidance names random samples that are compared with the source. Here they are compared with what the snapshot recorded.',
    needs: ['schedule', 'integrity', 'restores', 'sample', 'failures'],
    beyond: ['The frequency that the organisation sets, other than as it was given to this report.'],
  },
  {
    id: 'nist-cp-9-2',
    regime: 'NIST SP 800-53 revision 5',
    clause: 'CP-9(2)',
    asks: 'Selected functions are restored from a sample of the backups as part of contingency tests.',
    caveat: 'Of the high baseline. How large the sample is follows from the assurance that is wanted.',
    needs: ['restores', 'sample'],
    beyond: ['That the restores are part of the plan for contingency tests.'],
  },
  {
    id: 'nist-cp-10',
    regime: 'NIST SP 800-53 revision 5',
    clause: 'CP-10',
    asks: 'Systems are recovered to a known state within the objectives for time and data.',
    caveat: 'The wording of the control was not compared for this map.',
    needs: ['restores', 'times', 'failures'],
    beyond: ['Recovery of the whole system: this is about the indices in snapshots alone.'],
  },
  {
    id: 'dora-12',
    regime: 'DORA, Regulation (EU) 2022/2554',
    clause: 'Article 12',
    asks: 'Backup and restore procedures are documented, by criticality, and tested periodically; restores use systems that are segregated from the source, physically and logically.',
    caveat: 'Paragraph 7, on several checks of integrity after a recovery, was not compared for this map.',
    needs: ['schedule', 'restores', 'integrity', 'times', 'segregation', 'failures', 'exclusions'],
    beyond: ['Criticality of each index, and the documented procedures.'],
  },
  {
    id: 'nis2-4.2',
    regime: 'NIS2, Implementing Regulation (EU) 2024/2690',
    clause: 'Annex, 4.2',
    asks: 'Plans for backups with times of recovery; regular checks of the integrity of the copies (4.2.3); regular tests of recovery with documented results and corrective action (4.2.6).',
    caveat: 'Read in the text of the draft of 27 June 2024; compare the numbers with the final text.',
    needs: ['schedule', 'integrity', 'restores', 'times', 'failures'],
    beyond: ['The plan for backups, and what was done beside the snapshots to correct a failure.'],
  },
  {
    id: 'cis-11.5',
    regime: 'CIS Controls, version 8',
    clause: '11.5',
    asks: 'Recovery is tested quarterly or more often, for a sampling of the assets in scope.',
    caveat: 'A report for less than a quarter shows a part of it.',
    needs: ['quarter', 'schedule', 'population', 'restores', 'sample'],
    beyond: ['Assets in scope that are in no snapshot of this repository.'],
  },
  {
    id: 'hipaa-164.308',
    regime: 'HIPAA, 45 CFR',
    clause: '164.308(a)(7)(ii)(D)',
    asks: 'Contingency plans are tested and revised periodically.',
    caveat:
      'Addressable. The copies that can be retrieved (A) and the restore of lost data (B) are required. The audit protocol asks for method, frequency, roles, timeliness, results and corrective action.',
    needs: ['schedule', 'restores', 'times', 'failures', 'review'],
    beyond: ['The contingency plan and its revision.'],
  },
]

interface Answer {
  readonly section: string
  /** Null: there is nothing to show. */
  readonly sentence: string | null
  readonly gap: string | null
}

const answers: Readonly<Record<Need, (told: Told) => Answer>> = {
  schedule: ({ schedule: { planned, done } }) => ({
    section: 'Planned and executed runs',
    sentence: planned === 0 ? null : `${count(done)} of ${counted(planned, 'planned run')} did their work.`,
    gap:
      planned === 0
        ? 'No planned run of the period is over.'
        : done < planned
          ? `${counted(planned - done, 'planned run')} did not happen or did not do the work.`
          : null,
  }),
  population: ({ population: { present, seen, asOf } }) => ({
    section: 'Snapshots and levels',
    sentence: asOf === null ? null : `${count(seen)} seen in the period, ${count(present)} at its end, each by name.`,
    gap: asOf === null ? 'No run of the period says which snapshots there were.' : null,
  }),
  integrity: ({ population }) => {
    const bytes = population.levels.find(({ level }) => level === 'bytes')
    const presence = population.levels.find(({ level }) => level === 'presence')
    const lacking = bytes === undefined ? population.present : population.present - bytes.pass - bytes.notApplicable
    return {
      section: 'Snapshots and levels',
      sentence:
        population.asOf === null
          ? null
          : `All blobs there with the right length: ${count(presence?.pass ?? 0)} of ${counted(population.present, 'snapshot')}; every byte compared with the recorded checksum: ${count(bytes?.pass ?? 0)}.`,
      gap:
        population.asOf === null
          ? 'Nothing is known of the integrity of the copies in this period.'
          : lacking > 0
            ? `${counted(lacking, 'snapshot')} ${lacking === 1 ? 'has' : 'have'} no standing proof of every byte.`
            : null,
    }
  },
  restores: ({ restores, population }) => {
    const level = population.levels.find(({ level }) => level === 'restore')
    const lacking = level === undefined ? population.present : level.fail + level.inconclusive + level.unknown
    return {
      section: 'Restores',
      sentence:
        restores.attempts === 0
          ? null
          : `${counted(restores.attempts, 'restore')} into throwaway servers: ${count(restores.pass)} pass, ${count(restores.fail)} fail, ${count(restores.inconclusive)} not judged.`,
      gap:
        restores.pass === 0
          ? 'Nothing was restored with a pass in this period.'
          : lacking > 0
            ? `${counted(lacking, 'snapshot')} ${lacking === 1 ? 'was' : 'were'} not proven to restore at the end.`
            : null,
    }
  },
  times: ({ restoreTime: { targetSeconds, projections } }) => {
    const missed = projections.filter(({ within }) => within === false).length
    return {
      section: 'Restore times',
      sentence:
        projections.length === 0
          ? null
          : `${counted(projections.length, 'forecast')} of the restore of a whole snapshot from measured restores${targetSeconds === null ? '' : `, against a target of ${seconds(targetSeconds)}`}.`,
      gap:
        targetSeconds === null
          ? 'No target for the time of a restore was given, so none is compared.'
          : projections.length === 0
            ? 'No run of the period left a forecast of the time of a restore.'
            : missed > 0
              ? `${counted(missed, 'forecast')} ${missed === 1 ? 'is' : 'are'} beyond the target.`
              : null,
    }
  },
  failures: ({ failures, findings, runs, documents }) => {
    const open = failures.filter(({ openAtEnd }) => openAtEnd).length
    return {
      section: 'Failures',
      sentence: `${counted(failures.length, 'failure')} of snapshots, each with when it was found and cured; ${counted(findings.length, 'finding')}.`,
      gap:
        open > 0
          ? `${counted(open, 'failure')} ${open === 1 ? 'was' : 'were'} not cured at the end.`
          : documents.kept < runs.length
            ? 'Findings of runs whose run.json is not kept are missing.'
            : null,
    }
  },
  sample: ({ samples }) => {
    const holding = samples.filter(({ holds }) => holds)
    return {
      section: 'Random samples',
      sentence:
        holding.length === 0
          ? null
          : `${counted(holding.length, 'random draw')} with its seed, size and what it says at its confidence.`,
      gap: holding.length === 0 ? 'No random draw of the period supports a statement.' : null,
    }
  },
  exclusions: ({ exclusions, runs, documents }) => ({
    section: 'Scope and exclusions',
    sentence:
      documents.kept === 0 ? null : `${counted(exclusions.length, 'exclusion')}, with reasons and who approved.`,
    gap: runs.length > 0 && documents.kept === 0 ? 'No run.json is kept, so what was left out is not known.' : null,
  }),
  segregation: ({ identity: { egressBlocked } }) => ({
    section: 'Identity',
    sentence: 'Restores went into throwaway servers that were never part of the cluster.',
    gap:
      egressBlocked === true
        ? null
        : egressBlocked === false
          ? 'Not every server was cut off from other networks; accounts and roles are for others to show.'
          : 'Whether the servers were cut off from other networks is not known.',
  }),
  review: () => ({
    section: 'Sign-off',
    sentence: 'Fields for who prepared, reviewed and approved it.',
    gap: 'The sign-off is empty until somebody signs.',
  }),
  quarter: ({ period }) => {
    const length = (Date.parse(period.reportedTo) - Date.parse(period.from)) / 86_400_000
    return {
      section: 'Period',
      sentence: `The report covers ${days(Math.round(length))}.`,
      gap: length < 89 ? 'It covers less than a quarter.' : null,
    }
  },
}

export function mapClauses(told: Told): PeriodClause[] {
  return clauses.map(({ id, regime, clause, asks, caveat, needs, beyond }) => {
    const found = needs.map(need => answers[need](told))
    return {
      id,
      regime,
      clause,
      asks,
      caveat,
      shown: found.flatMap(({ section, sentence }) => (sentence === null ? [] : [{ section, sentence }])),
      gaps: [...found.flatMap(({ gap }) => gap ?? []), ...beyond.map(text => `Not in this report: ${text}`)],
    }
  })
}
