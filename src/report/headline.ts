/**
 * The verdict of a run in words: the one sentence that everything else supports.
 *
 * Bad news outranks everything, then a run that could not work, then what is open. "Good" is said only when every
 * snapshot that can be proven is proven: nothing passed is not a pass.
 */
import { exitCodes } from '../errors.ts'
import type { Finding } from '../model/finding.ts'
import type { RunResult, SelfCheck } from '../model/run.ts'
import { openErrors, type Standings, standingsOf } from '../model/standing.ts'
import { count, counted, minute } from './format.ts'
import { exitMeanings, isAboutData } from './words.ts'

export type Tone = 'failing' | 'blind' | 'open' | 'good'

export interface Headline {
  readonly tone: Tone
  /** One or two words: the tone without its colour. */
  readonly word: string
  /** A sentence without a full stop. */
  readonly title: string
  /** Further sentences, each with a full stop; may be empty. */
  readonly detail: string
}

export function headline(run: RunResult): Headline {
  if (run.selfCheck !== undefined && run.selfCheck.missed.length > 0) return blindHeadline(run.selfCheck)
  const standings = standingsOf(run)
  const blind = blindness(run)
  const failing = failingHeadline(run, standings)
  if (failing !== null) return blind === '' ? failing : { ...failing, detail: sentences(failing.detail, blind) }
  if (blind !== '') {
    return {
      tone: 'blind',
      ...(run.exit.code === exitCodes.couldNotWork
        ? { word: 'Not finished', title: 'The run could not do all of its work' }
        : { word: 'Not audited', title: 'The run did not do its work, so nothing new is known' }),
      detail: sentences(blind, provenNote(run, standings)),
    }
  }
  if (run.snapshots.length === 0) {
    return {
      tone: 'open',
      word: 'Nothing to prove',
      title: 'The repository holds no snapshot, so nothing can be restored from it',
      detail: 'Check that snapshots are being taken into this repository.',
    }
  }
  const excused = standings.count.failing
  const acceptedNote =
    excused === 0
      ? ''
      : `${counted(excused, 'snapshot')} ${excused === 1 ? 'does' : 'do'} not restore; somebody answers for that, see “Accepted findings”.`
  if (run.debt.contents > 0 || standings.count.open > 0) return openHeadline(run, standings, acceptedNote)
  if (standings.count.proven === 0) {
    return {
      tone: 'open',
      word: 'Nothing proven',
      title: 'No snapshot is proven to restore',
      detail: sentences('None of the snapshots can be judged by a restore.', acceptedNote),
    }
  }
  if (excused > 0) {
    return {
      tone: 'open',
      word: 'Accepted',
      title: `${standings.count.proven} of ${counted(run.snapshots.length, 'snapshot')} proven to restore`,
      detail: acceptedNote,
    }
  }
  return goodHeadline(run, standings)
}

const namedMisses = 3

/** Louder than any other: whatever else such a run could say counts for nothing. */
function blindHeadline({ planted, found, missed }: SelfCheck): Headline {
  const named = missed.slice(0, namedMisses).map(({ what, why }) => asSentence(`${what}: ${why}`))
  const more = missed.length - named.length
  return {
    tone: 'blind',
    word: 'Auditor blind',
    title: 'The auditor is blind: it failed its own self-check, so it looked at nothing and nothing it says counts',
    detail: sentences(
      `Of ${counted(planted, 'planted thing')}, ${count(planted - found)} ${planted - found === 1 ? 'was' : 'were'} not judged as they must be.`,
      ...named,
      more > 0 ? `${count(more)} more in run.json.` : '',
      'Install Snapproof again; on another machine if it stays blind.',
    ),
  }
}

function whatFails({ unaccepted }: Standings, errors: readonly Finding[]): string {
  const restore = unaccepted.every(({ levels: { rules: _, ...levels } }) =>
    Object.values(levels).every(level => level.verdict !== 'fail'),
  )
  const isOfData = restore && errors.every(finding => isAboutData(finding.code))
  return isOfData ? 'restore, but hold what they should not' : 'cannot be restored whole'
}

function failingHeadline(run: RunResult, standings: Standings): Headline | null {
  const errors = openErrors(run)
  const failing = standings.unaccepted.length
  if (failing === 0 && errors.length === 0) return null
  const cause = errors.length === 0 ? 'An earlier run found the fault and nothing has cured it.' : ''
  const good = standings.newestGood
  const rest =
    good === null
      ? 'No snapshot of this repository is proven to restore.'
      : `The newest snapshot that is proven to restore was taken ${good.endedAt === null ? 'at an unknown time' : minute(good.endedAt)}.`
  return {
    tone: 'failing',
    word: 'Failing',
    title:
      failing === 0
        ? `${counted(errors.length, 'error')} in the repository`
        : `${count(failing)} of ${counted(run.snapshots.length, 'snapshot')} ${whatFails(standings, errors)}`,
    detail: sentences(cause, rest, openNote(run, standings)),
  }
}

function openHeadline(run: RunResult, standings: Standings, acceptedNote: string): Headline {
  const progress = provenContents(run)
  const nights = run.debt.nightsToCatchUp
  const overdue = run.debt.overdue
  if (run.debt.contents === 0) {
    return {
      tone: 'open',
      word: 'Not all proven',
      title: `${count(standings.count.proven)} of ${counted(run.snapshots.length, 'snapshot')} proven to restore; nothing more is due`,
      detail: sentences(openNote(run, standings), acceptedNote),
    }
  }
  const outlook =
    nights === null
      ? 'This run proved nothing, so there is no forecast of when the rest will be.'
      : `At the pace of this run the rest takes ${counted(nights, 'more night')}.`
  return {
    tone: 'open',
    word: overdue > 0 ? 'Behind' : 'Catching up',
    title: `${count(progress.proven)} of ${counted(progress.total, 'content')} proven to restore, ${
      nights === null ? 'no end in sight' : `${counted(nights, 'night')} to go`
    }`,
    detail: sentences(
      acceptedNote === '' ? 'No error was found in what was looked at.' : '',
      overdue > 0 ? `${counted(overdue, 'content')} ${overdue === 1 ? 'is' : 'are'} overdue by the policy.` : '',
      outlook,
      acceptedNote,
    ),
  }
}

function goodHeadline(run: RunResult, standings: Standings): Headline {
  const outside = standings.count['not-applicable']
  const proven = standings.count.proven
  return {
    tone: 'good',
    word: 'Proven',
    title:
      outside > 0
        ? `All ${counted(proven, 'snapshot')} that can be restored are proven to restore`
        : `${proven === 1 ? 'The one snapshot is' : `All ${counted(proven, 'snapshot')} are`} proven to restore`,
    detail:
      outside > 0
        ? `${counted(outside, 'snapshot')} of ${count(run.snapshots.length)} cannot be judged by a restore.`
        : '',
  }
}

/**
 * Contents proven out of all. Distinct ones where the run counted them, otherwise each snapshot's own, so that a
 * content in three snapshots counts three times on both sides.
 */
export function provenContents(run: RunResult): { readonly proven: number; readonly total: number } {
  if (run.contents !== undefined) return run.contents
  let proven = 0
  let total = 0
  for (const snapshot of run.snapshots) {
    proven += snapshot.contentsProven
    total += snapshot.contents
  }
  return { proven, total }
}

/** Why the run could not do its work; empty when it could. Exit codes 2, 3 and 64 say that it could not. */
function blindness(run: RunResult): string {
  const codes = [run.exit.code, ...run.exit.applies]
  const code = [exitCodes.usage, exitCodes.leaseHeld, exitCodes.couldNotWork].find(blind => codes.includes(blind))
  if (code === undefined) return ''
  return run.exit.code === code && run.exit.reason !== ''
    ? asSentence(run.exit.reason)
    : asSentence(`This run ended early: ${exitMeanings[code]}`)
}

function openNote(run: RunResult, standings: Standings): string {
  const open = standings.count.open
  return open === 0
    ? ''
    : `${counted(open, 'snapshot')} of ${count(run.snapshots.length)} ${open === 1 ? 'is' : 'are'} not proven yet.`
}

function provenNote(run: RunResult, standings: Standings): string {
  const proven = standings.count.proven
  if (run.snapshots.length === 0) return ''
  return `${count(proven)} of ${counted(run.snapshots.length, 'snapshot')} ${proven === 1 ? 'is' : 'are'} proven to restore.`
}

function asSentence(text: string): string {
  const trimmed = text.trim()
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`
}

function sentences(...parts: readonly string[]): string {
  return parts.filter(part => part !== '').join(' ')
}
