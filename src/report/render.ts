/**
 * The nightly report: one self-contained HTML file without any script, for people who never see a terminal.
 *
 * Order: verdict in words, key numbers, findings (first when there are errors), last good snapshots, what
 * changed, snapshots by level, gaps, rules, baselines, sample, debt, restores, how long they take, costs, accepted findings, limits, identity.
 */
import type { RunResult } from '../model/run.ts'
import { openErrors } from '../model/standing.ts'
import { arraySection } from './array.ts'
import { baselinesSection } from './baselines.ts'
import { changesSection } from './changes.ts'
import { costsSection } from './costs.ts'
import { coverageSection, gapsSection } from './coverage.ts'
import { acceptedSection, findingsSection, lastGoodSection } from './findings.ts'
import { headline } from './headline.ts'
import { cut, html, visible } from './markup.ts'
import { masthead, strip } from './overview.ts'
import { pageOf } from './page.ts'
import { restoreTimeSection } from './restoreTime.ts'
import { rulesSection } from './rules.ts'
import { sampleSection } from './sample.ts'
import { sealSection } from './seal.ts'
import { debtSection, identitySection, limitsSection, restoresSection } from './work.ts'

/**
 * Draws `report.html`. Pure: the same run and style give the same bytes.
 *
 * @param style the text of `reports/style.css`; its sha-256 is the only thing that the page's policy lets in
 * @throws SnapproofError `usage` when the style holds `</style` or `<!--`
 */
export function renderReport(run: RunResult, style: string): string {
  const verdict = headline(run)
  const hasErrors = openErrors(run).length > 0
  const title = `${verdict.word}: ${cut(visible(run.repository.name), 80)}, ${run.endedAt.slice(0, 10)}`
  const body = html`${masthead(run)}
<main>
${strip(run)}
${hasErrors && findingsSection(run)}
${lastGoodSection(run)}
${changesSection(run)}
${coverageSection(run)}
${gapsSection(run)}
${rulesSection(run)}
${baselinesSection(run)}
${sampleSection(run)}
${!hasErrors && findingsSection(run)}
${debtSection(run)}
${arraySection(run)}
${restoresSection(run)}
${restoreTimeSection(run)}${costsSection(run)}
${acceptedSection(run)}
${limitsSection(run)}
${sealSection(run)}${identitySection(run)}
</main>`
  return pageOf(title, style, body)
}
