/** Drawing the nightly report of more and more snapshots, each with a verdict at every level and every tenth with a finding: seconds, and size of the page. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunResult } from '../../src/model/run.ts'
import { renderReport } from '../../src/report/render.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { type Measurement, median } from './result.ts'

const reports = join(import.meta.dirname, '..', '..', 'reports')
const rounds = 5
const hourMs = 3_600_000
/** Of the page, as the design asks. */
const pageTarget = 1_000_000
const secondsTarget = 5
/** Most that ten times the snapshots may cost. */
const tenfoldTarget = 12

export async function benchReport(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const sample = parseRun(readFileSync(join(reports, 'sample/run.json'), 'utf8'))
  const style = readFileSync(join(reports, 'style.css'), 'utf8')
  const seconds: number[] = []
  const rows = [50, 500, 5_000].flatMap((whole, at): Measurement[] => {
    const snapshots = Math.max(10, Math.round(whole * scale))
    const run = grown(sample, snapshots)
    let page = 0
    const times = Array.from({ length: rounds }, () => {
      const start = performance.now()
      page = Buffer.byteLength(renderReport(run, style))
      return (performance.now() - start) / 1000
    })
    const time = median(times)
    seconds.push(time)
    const name = `${snapshots.toLocaleString('en')} snapshots`
    say(`${name}: ${time.toFixed(3)} s`)
    const isLast = at === 2
    const drawn = {
      case: name,
      measure: 'drawn',
      value: time,
      unit: 'seconds',
      target: isLast ? secondsTarget : null,
    } as const
    return [
      isLast ? { id: 'report-render-5000', ...drawn } : drawn,
      { case: name, measure: 'page', value: page, unit: 'bytes', target: pageTarget },
    ]
  })
  const [, some = 0, many = 0] = seconds
  return [
    ...rows,
    { case: 'ten times the snapshots', measure: 'drawn', value: many / some, unit: 'ratio', target: tenfoldTarget },
  ]
}

function grown(sample: RunResult, count: number): RunResult {
  const [snapshot, finding] = [sample.snapshots[0], sample.findings[0]]
  if (snapshot === undefined || finding === undefined) throw new Error('the sample has no snapshot or no finding')
  const endMs = Date.parse(sample.endedAt)
  const named = (i: number) => ({ name: `nightly-${i}`, uuid: `snapshot-${i}` })
  return {
    ...sample,
    snapshots: Array.from({ length: count }, (_, i) => {
      const endedAt = new Date(endMs - (count - i) * hourMs).toISOString()
      return { ...snapshot, ...named(i), startedAt: endedAt, endedAt }
    }),
    findings: Array.from({ length: Math.ceil(count / 10) }, (_, i) => ({
      ...finding,
      id: `${finding.id}-${i}`,
      key: `indices/A${i}/0/__x`,
      snapshots: [named(i * 10).uuid],
    })),
  }
}
