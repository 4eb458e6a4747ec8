/**
 * `plan --children 64` of 50,000 snapshots of 40 indices on the first night, when everything is debt: seconds and peak memory of the one process
 * that looks, judges and shares. A snapshot adds 2.2 contents, as in `infra/local/cost-examples.ts`. `--scale` divides the snapshots.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shapeOf } from '../local/generate/shape.ts'
import { memoryTarget } from './check.ts'
import { measure } from './measure.ts'
import type { Measurement } from './result.ts'

const timeoutMs = 4 * 3_600_000

export async function benchPlan(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const rows: Measurement[] = []
  // Twice the snapshots: what is quadratic takes four times as long.
  for (const part of [scale / 2, scale]) {
    const snapshots = Math.max(2, Math.round(50_000 * part))
    const shape = shapeOf({
      compress: false,
      data: false,
      snapshots,
      indices: 40,
      shards: 1,
      segments: 4,
      filesPerSegment: 1,
      fresh: 2.2 / 40 / 4,
    })
    const folder = mkdtempSync(join(tmpdir(), 'snapproof-bench-plan-'))
    try {
      const name = `${snapshots} × 40`
      say(name)
      const used = await measure({ kind: 'plan', shape, folder, children: 64 }, { timeoutMs })
      const row = (measured: string, value: number, unit: Measurement['unit'], target: number | null = null) =>
        rows.push({
          ...(part === scale ? { id: `plan-${measured}` } : {}),
          case: name,
          measure: measured,
          value,
          unit,
          target,
        })
      row('contents', used.contents, 'contents')
      row('plan', used.planBytes, 'bytes')
      row('time', used.seconds, 'seconds')
      row('processor', used.cpuSeconds, 'seconds')
      row('peak memory', used.peakBytes, 'bytes', memoryTarget)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return rows
}
