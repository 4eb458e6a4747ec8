/** A plan for people and for machines. */
import { allReads, type Usage } from '../model/cost.ts'
import type { Draw } from '../model/sample.ts'
import { costRows, pricesText, quantityText, usd } from '../report/costLines.ts'
import { enginesNeeded, needOf } from '../run/engineNeeds.ts'
import type { Survey } from '../run/survey.ts'
import { bytesText, countText, secondsText, tableText } from './words.ts'

export function planJson(survey: Survey): Record<string, unknown> {
  const { plan, forecast, catalogue, checked } = survey
  const { snapshots, identity } = catalogue.repositoryData
  const named = (position: number) => ({ name: snapshots[position]?.name, uuid: snapshots[position]?.uuid })
  return {
    schemaVersion: 1,
    generation: identity.generation,
    snapshots: plan.snapshots.map(named),
    groups: plan.groups.map(group => ({
      index: group.indexName,
      indexId: group.indexId,
      shardCount: group.shardCount,
      engine: group.engine,
      restoreBytes: group.restoreBytes,
      contents: group.contents.map(({ content, kind, snapshot }) => ({
        contentId: content.contentId,
        kind,
        from: named(snapshot),
        creditedTo: content.snapshots.filter(position => position !== snapshot).map(named),
        bytes: content.bytes,
      })),
    })),
    left: plan.left.map(({ item, reason }) => ({
      index: item.content.indexName,
      contentId: item.content.contentId,
      kind: item.kind,
      overdue: item.overdue,
      bytes: item.content.bytes,
      reason,
      ...(reason === 'no-engine-for-version' ? { needs: needOf(survey, item) } : {}),
    })),
    ...(survey.draw === null ? {} : { sample: survey.draw }),
    debt: { contents: plan.debt.length, overdue: plan.debt.filter(item => item.overdue).length },
    findings: checked.findings,
    forecast,
    costs: survey.costs,
  }
}

export function describePlan(survey: Survey): string {
  const { plan, forecast, catalogue, checked } = survey
  const { snapshots } = catalogue.repositoryData
  const rows = plan.groups.flatMap(group =>
    group.contents.map(({ content, kind, snapshot }) => [
      group.indexName,
      snapshots[snapshot]?.name ?? '-',
      kind,
      countText(content.snapshots.length - 1),
      bytesText(content.bytes),
      group.engine,
    ]),
  )
  const lines = [
    `In debt: ${countText(plan.debt.length)} contents, ${countText(plan.debt.filter(item => item.overdue).length)} beyond policy`,
    rows.length === 0
      ? 'This run would restore nothing.'
      : tableText([['INDEX', 'RESTORED FROM', 'WHY', 'ALSO COUNTS FOR', 'SIZE', 'ENGINE'], ...rows]),
    '',
    `Forecast (${forecast.basis}): ${countText(forecast.contents)} contents of ${countText(forecast.snapshots)} snapshots, ` +
      `${bytesText(forecast.fetchBytes)} fetched in ${countText(forecast.fetchRequests)} requests, ` +
      `${bytesText(forecast.restoreBytes)} restored, ${bytesText(forecast.diskBytes)} of disk, about ${secondsText(forecast.seconds)}`,
  ]
  if (survey.draw !== null) lines.push(sampleLine(survey.draw))
  lines.push(...costLines(survey))
  if (plan.left.length > 0) lines.push(`Left for later: ${countText(plan.left.length)} contents (${reasonsOf(survey)})`)
  lines.push(...enginesNeeded(survey))
  const errors = checked.findings.filter(finding => finding.severity === 'error')
  for (const finding of errors) lines.push(tableText([[`! ${finding.code}: ${finding.message}`]]))
  return lines.join('\n')
}

function sampleLine({ contents, population, wanted, seed }: Draw): string {
  const cut = Math.min(wanted, population) - contents.length
  const left = cut > 0 ? `; the limits cut ${countText(cut)} off its end` : ''
  return `Sample: ${countText(contents.length)} of ${countText(population)} contents drawn at random (seed ${seed})${left}`
}

/** The whole night, and its money with the arithmetic. */
function costLines({ forecast, costs }: Survey): string[] {
  const { night } = forecast
  if (night === undefined) return []
  const { usage, bill, parts, basis, contentsBeyondLimit } = night
  const row = (name: string, part: Usage) => [
    name,
    countText(part.list),
    countText(part.put),
    countText(Math.round(allReads(part).requests)),
    bytesText(Math.round(allReads(part).bytes)),
    secondsText(part.seconds),
  ]
  const rates =
    basis === 'measured' ? 'rates that the ledger measured' : 'assumed rates: the ledger has measured too little'
  const beyond = `${countText(contentsBeyondLimit)} contents would be left for limits.costUsd`
  return [
    '',
    `The whole night (look: measured just now; restores: ${rates}):`,
    tableText([
      ['PART', 'LIST', 'PUT', 'GET+HEAD', 'READ', 'TIME'],
      row('look', parts.look),
      row('bytes that are due', parts.bytes),
      row('restores', parts.restores),
      row('end', parts.end),
      row('sum', usage),
    ]),
    '',
    `Cost: ${usd(bill.usd)} (${pricesText(costs, bill.unknown)})`,
    tableText([
      ['LINE', 'QUANTITY', 'PRICE IN USD', 'AMOUNT'],
      ...costRows(night, null, costs).map(({ label, unit, price, forecast: side }) => [
        label,
        quantityText(side?.quantity ?? 0, unit),
        price,
        usd(side?.amount ?? null),
      ]),
    ]),
    ...(contentsBeyondLimit > 0 ? ['', `${beyond}: the run decides by what it measures.`] : []),
  ]
}

function reasonsOf({ plan }: Survey): string {
  const counts = new Map<string, number>()
  for (const { reason } of plan.left) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${reason}: ${count}`).join(', ')
}
