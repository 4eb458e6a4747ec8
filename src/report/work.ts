/** What this run did: debt and plan, restores, time and requests, its identity and its limits. */
import type { DebtKind } from '../model/plan.ts'
import type { RestoreRow, RunResult } from '../model/run.ts'
import { chart, debtChart, restoreChart } from './charts.ts'
import { usd } from './costLines.ts'
import { bytes, bytesPerSecond, count, counted, days, minute, seconds } from './format.ts'
import { mark, verdictShapes } from './marks.ts'
import { html, key, type Markup, message, name } from './markup.ts'
import { definitions, table } from './table.ts'
import { debtWords, exitMeanings, reasonLabel, reasonText, verdictWords } from './words.ts'

export function debtSection(run: RunResult): Markup {
  const { debt, forecast } = run
  const kinds = Object.keys(debtWords) as DebtKind[]
  const chosen = run.snapshots.filter(snapshot => snapshot.chosen)
  return html`<section id="debt">
<h2>Debt, and what this run took on</h2>
<p>Debt is what the policy wants proven and is not, or not recently enough: ${counted(debt.contentsBefore, 'content')} before this run, ${count(debt.contents)} after it${
    debt.overdue > 0 && html`, <strong>${count(debt.overdue)} of them beyond the policy</strong>`
  }.</p>
<div class="columns">
${table<DebtKind>({
  caption: 'Debt after this run, by kind',
  rows: kinds.filter(kind => debt.byKind[kind] > 0 || kind === 'failed' || kind === 'overdue'),
  columns: [
    { label: 'Kind', cell: kind => debtWords[kind] },
    { label: 'Contents', numeric: true, cell: kind => count(debt.byKind[kind]) },
  ],
})}
${definitions([
  ['Oldest debt', debt.oldestDays === null ? 'none' : days(debt.oldestDays)],
  [
    'Nights to catch up',
    debt.contents === 0
      ? 'none'
      : debt.nightsToCatchUp === null
        ? 'unknown: this run proved nothing'
        : count(debt.nightsToCatchUp),
  ],
  [
    'Snapshots chosen',
    chosen.length === 0
      ? 'none'
      : html`${chosen.slice(0, 12).map((row, i) => html`${i > 0 && ', '}${name(row.name)}`)}${
          chosen.length > 12 && html` and ${count(chosen.length - 12)} more`
        }`,
  ],
  ['Limits', limitWords(run)],
  [
    'Forecast',
    forecast === null
      ? null
      : `${counted(forecast.contents, 'content')} in ${counted(forecast.groups, 'group')}, ${bytes(forecast.fetchBytes)} to fetch, ${seconds(forecast.seconds)} (${forecast.basis})`,
  ],
  [
    'Policy',
    `newest content of each index within ${counted(run.policy.restoreNewestWithinDays, 'day')}, every content within ${counted(run.policy.restoreEveryContentWithinDays, 'day')}, from ${minute(run.policy.startAt)}; credit ${run.policy.credit}`,
  ],
])}
</div>
${chart(debtChart(run))}
</section>`
}

function limitWords(run: RunResult): string {
  const { limits } = run
  const parts = [
    limits.snapshots !== null && counted(limits.snapshots, 'snapshot'),
    limits.restoreBytes !== null && bytes(limits.restoreBytes),
    limits.durationSeconds !== null && seconds(limits.durationSeconds),
    limits.costUsd != null && usd(limits.costUsd),
  ].filter(part => part !== false)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

export function restoresSection(run: RunResult): Markup {
  const restores = [...run.restores].sort((a, b) => Number(a.verdict === 'pass') - Number(b.verdict === 'pass'))
  return html`<section id="restores">
<h2>Restores of this run</h2>
${restores.length === 0 && html`<p>None.</p>`}
${
  restores.length > 0 &&
  table<RestoreRow>({
    caption: 'Restores of this run',
    rows: restores,
    columns: [
      {
        label: 'Index',
        cell: row =>
          html`${name(row.index)}<br><span class="note">from ${name(row.snapshot)}${creditWords(row.creditedTo)}</span>`,
      },
      { label: 'Verdict', cell: verdictCell },
      {
        label: 'Documents found, of expected',
        numeric: true,
        cell: documentsCell,
      },
      {
        label: 'Size',
        numeric: true,
        cell: row => html`${bytes(row.bytes)}<br><span class="note">${counted(row.files, 'file')}</span>`,
      },
      { label: 'Time', numeric: true, cell: row => seconds(totalSeconds(row)) },
      { label: 'Speed', numeric: true, cell: speedOf },
      ...(run.engines.length > 1 ? [{ label: 'Server', cell: (row: RestoreRow) => name(row.engine) }] : []),
    ],
  })
}
${restores.length > 0 && chart(restoreChart(run))}
</section>`
}

function verdictCell(row: RestoreRow): Markup {
  const note = row.message === '' ? reasonText(row.reason) : row.message
  return html`${mark(verdictShapes[row.verdict], row.verdict, verdictWords[row.verdict])}${
    row.attempts > 1 && html`<br><span class="note">${counted(row.attempts, 'attempt')}</span>`
  }${row.chain !== undefined && html`<br><span class="note">over ${name(row.chain.over, 40)}: ${bytes(row.chain.reusedBytes)} kept of ${bytes(row.chain.predictedReusedBytes)} foretold</span>`}${row.verdict !== 'pass' && html`<br><span class="note">${reasonLabel(row.reason)}: ${message(note, 240)}</span>`}`
}

/** Never hides who else relies on this restore. */
function creditWords(snapshots: readonly string[]): Markup | false {
  if (snapshots.length === 0) return false
  const left = snapshots.length - 4
  return html`, counts for ${snapshots.slice(0, 4).map((snapshot, i) => html`${i > 0 && ', '}${name(snapshot, 40)}`)}${left > 0 && html` and ${count(left)} more`} too`
}

function documentsCell(row: RestoreRow): Markup {
  const expected = row.expectedDocs === null ? 'an unknown number' : count(row.expectedDocs)
  if (row.foundDocs === null) return html`not counted<br><span class="note">${expected} expected</span>`
  return html`${count(row.foundDocs)} of ${expected}`
}

function totalSeconds(row: RestoreRow): number {
  return row.seconds.mirror + row.seconds.restore + row.seconds.questions
}

function speedOf(row: RestoreRow): string {
  const spent = row.seconds.mirror + row.seconds.restore
  return row.verdict === 'pass' && spent > 0 && row.bytes > 0 ? bytesPerSecond(row.bytes / spent) : '–'
}

export function limitsSection(run: RunResult): Markup {
  return html`<section id="limits">
<h2>What this run does not prove</h2>
${run.limitsOfProof.length === 0 && html`<p>The run states no limits, which is itself a defect: no check proves everything.</p>`}
<ul>${run.limitsOfProof.map(sentence => html`<li>${message(sentence, 1000)}</li>`)}</ul>
</section>`
}

export function identitySection(run: RunResult): Markup {
  const { stats, repository } = run
  const { requests } = stats
  return html`<section id="identity">
<h2>Identity of the run</h2>
<div class="columns">
${definitions([
  ['Run', key(run.runId)],
  ['Command', run.command],
  ['Began', html`<time datetime="${run.startedAt}">${minute(run.startedAt)}</time>`],
  ['Ended', html`<time datetime="${run.endedAt}">${minute(run.endedAt)}</time>`],
  [
    'Exit code',
    html`${run.exit.code}: ${exitMeanings[run.exit.code]}${run.exit.reason !== '' && run.exit.code !== 0 && html`. ${message(run.exit.reason)}`}`,
  ],
  [
    'Also applied',
    run.exit.applies.length > 1 ? run.exit.applies.map(code => `${code}: ${exitMeanings[code]}`).join('; ') : null,
  ],
  ['Snapproof', html`${name(run.tool.version)}, Node ${name(run.tool.node)}`],
  ['Image', run.identity?.image ? key(run.identity.image) : 'not known: no container said which'],
  ['Role', run.identity?.role ? key(run.identity.role) : 'not known: not in AWS, or STS did not say'],
  [
    'Configuration',
    run.identity === undefined ? null : html`SHA-256 ${key(run.identity.configuration)}, without secrets`,
  ],
  ['Servers', engineWords(run)],
])}
${definitions([
  ['Repository', html`${name(repository.name)}, ${key(repository.url)}`],
  ['Repository uuid', repository.uuid === null ? 'not stated' : key(repository.uuid)],
  ['Written last by cluster', repository.clusterId === null ? 'not stated' : key(repository.clusterId)],
  ['Generation', `${repository.generation} at the start, ${run.finalGeneration} at the end`],
  ['Format', repository.format === null ? 'not stated' : name(repository.format)],
  [
    'Requests',
    `${count(requests.list)} list, ${count(requests.get)} get, ${count(requests.head)} head, ${count(requests.put)} put, ${count(requests.delete)} delete`,
  ],
  ['Bytes read', bytes(stats.bytesRead)],
  ['Bytes restored', bytes(stats.bytesRestored)],
])}
</div>
${
  stats.phases.length > 0 &&
  table<RunResult['stats']['phases'][number]>({
    caption: 'Time by phase',
    rows: stats.phases,
    columns: [
      { label: 'Phase', cell: row => name(row.phase) },
      { label: 'Time', numeric: true, cell: row => seconds(row.seconds) },
    ],
  })
}
</section>`
}

function engineWords(run: RunResult): Markup {
  if (run.engines.length === 0) return html`none was started`
  return html`${run.engines.map(
    (engine, i) =>
      html`${i > 0 && '; '}${name(engine.product)} ${name(engine.version)} (${name(engine.name)}, ${engine.kind}), egress ${engine.egressBlocked ? 'blocked' : 'not blocked'}`,
  )}`
}
