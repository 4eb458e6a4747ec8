/** A rehearsal for people and for machines. */
import type { EngineConfig } from '../model/config.ts'
import { reasons, type VerdictValue } from '../model/verdict.ts'
import type { Rehearsal, RehearsalOutcome, RestoredIndex } from '../run/rehearse.ts'
import { countText, tableText } from './words.ts'

const outcomeWords: Readonly<Record<RehearsalOutcome, string>> = {
  survives: 'survives',
  dies: 'DIES',
  'needs-licence': 'needs a licence',
  unknown: 'unknown',
}

/** By restores, too. */
export interface RestoredRehearsal {
  readonly engine: Pick<EngineConfig, 'name' | 'product' | 'version'>
  readonly indices: readonly RestoredIndex[]
  /** Why that run could not do its work; null: it could. */
  readonly trouble: string | null
  /** Of report and evidence; null: nothing was to be restored. */
  readonly folder: string | null
}

export function rehearsalJson({ target, snapshots }: Rehearsal, restored?: RestoredRehearsal): Record<string, unknown> {
  const rehearsal = { target, totals: totalsOf(snapshots), snapshots }
  if (restored === undefined) return { schemaVersion: 1, rehearsal }
  const { engine, indices, trouble, folder } = restored
  const { name, product, version } = engine
  const by = { engine: { name, product, version }, totals: verdictsOf(indices), indices, trouble, folder }
  return { schemaVersion: 1, rehearsal: { ...rehearsal, restored: by } }
}

export function describeRestored({ engine, indices, trouble, folder }: RestoredRehearsal): string {
  const title = `Restored by ${engine.product} ${engine.version} (${engine.name}): the newest of each index that the metadata let survive, or what was named`
  if (folder === null) return `${title}: nothing.`
  const rest = indices.filter(({ verdict }) => verdict !== 'pass')
  const totals = verdictsOf(indices)
  return [
    title,
    ...(rest.length === 0 ? [] : [tableText([['SNAPSHOT', 'INDEX', 'RESTORE', 'WHY'], ...rest.map(rowOf)])]),
    `${countText(totals.pass)} of ${countText(indices.length)} indices were restored, ${countText(totals.fail)} fail, ` +
      `${countText(totals.inconclusive)} stay open, ${countText(totals['not-applicable'])} cannot be restored anywhere.`,
    ...(trouble === null ? [] : [tableText([[`! ${trouble}`]])]),
    'Nothing of this is in the ledger: it neither proves nor accuses anything on the present version.',
    `Report: ${folder}/report.html`,
  ].join('\n')
}

function rowOf({ snapshot, index, verdict, reason, message }: RestoredIndex): string[] {
  return [snapshot, index, verdict, message || (reason === null ? '' : reasons[reason].text)]
}

function verdictsOf(indices: readonly RestoredIndex[]): Record<VerdictValue, number> {
  const totals: Record<VerdictValue, number> = { pass: 0, fail: 0, inconclusive: 0, 'not-applicable': 0 }
  for (const { verdict } of indices) totals[verdict]++
  return totals
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
    'Metadata do not tell everything: `snapproof verify --rehearse` restores with an engine of that version.',
  ].join('\n')
}

function totalsOf(snapshots: Rehearsal['snapshots']): Record<RehearsalOutcome, number> {
  const totals: Record<RehearsalOutcome, number> = { survives: 0, dies: 0, 'needs-licence': 0, unknown: 0 }
  for (const { outcome } of snapshots) totals[outcome]++
  return totals
}
