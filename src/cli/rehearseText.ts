/** A rehearsal for people and for machines. */
import type { Rehearsal, RehearsalOutcome } from '../run/rehearse.ts'
import { countText, tableText } from './words.ts'

const outcomeWords: Readonly<Record<RehearsalOutcome, string>> = {
  survives: 'survives',
  dies: 'DIES',
  'needs-licence': 'needs a licence',
  unknown: 'unknown',
}

export function rehearsalJson({ target, snapshots }: Rehearsal): Record<string, unknown> {
  return { schemaVersion: 1, rehearsal: { target, totals: totalsOf(snapshots), snapshots } }
}

export function describeRehearsal({ target, snapshots }: Rehearsal): string {
  const rows = snapshots.map(({ name, takenBy, outcome, indices }) => [
    name,
    takenBy ?? '-',
    outcomeWords[outcome],
    countText(indices.length),
    countText(indices.filter(index => index.outcome === 'dies').length),
  ])
  // Thousands of snapshots share a few reasons.
  const reasons = new Map<string, { index: string; snapshots: string[] }>()
  for (const snapshot of snapshots) {
    for (const { index, outcome, reason } of snapshot.indices) {
      if (outcome === 'survives') continue
      const key = `${index} ${outcome} ${reason}`
      const known = reasons.get(key) ?? { index: `${outcomeWords[outcome]}: ${index}: ${reason}`, snapshots: [] }
      known.snapshots.push(snapshot.name)
      reasons.set(key, known)
    }
  }
  const totals = totalsOf(snapshots)
  return [
    `Rehearsed from metadata: ${target.product} ${target.version}, a full distribution`,
    rows.length === 0
      ? 'There is no snapshot.'
      : tableText([['SNAPSHOT', 'TAKEN BY', 'THERE', 'INDICES', 'DIE'], ...rows]),
    '',
    ...[...reasons.values()].map(
      ({ index, snapshots: names }) =>
        `${index} (in ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${countText(names.length - 3)} more` : ''})`,
    ),
    `${countText(totals.dies)} of ${countText(snapshots.length)} snapshots die, ${countText(totals['needs-licence'])} need a licence, ` +
      `${countText(totals.unknown)} are unknown, ${countText(totals.survives)} survive.`,
    'Metadata do not tell everything: a restore by an engine of that version is the proof.',
  ].join('\n')
}

function totalsOf(snapshots: Rehearsal['snapshots']): Record<RehearsalOutcome, number> {
  const totals: Record<RehearsalOutcome, number> = { survives: 0, dies: 0, 'needs-licence': 0, unknown: 0 }
  for (const { outcome } of snapshots) totals[outcome]++
  return totals
}
