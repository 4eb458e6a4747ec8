/** Reading `index-N` against `JSON.parse` of the same bytes, and `inspect --jsonl` of many snapshots. */
import { shapeOf } from '../local/generate/shape.ts'
import { memoryTarget } from './check.ts'
import { measure } from './measure.ts'
import { type Measurement, median } from './result.ts'

const timeoutMs = 3_600_000
const rounds = 7

/** 200 MB at full size. */
function indexNShape(scale: number) {
  const indices = Math.max(10, Math.round(2000 * scale))
  return shapeOf({ snapshots: 1158, indices, shards: 2, data: false, compress: false })
}

export async function benchIndexN(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const shape = indexNShape(scale)
  say(`index-N of ${shape.snapshots} snapshots and ${shape.indices} indices: ${rounds} rounds`)
  const paired = await measure({ kind: 'decode-and-parse', shape, rounds }, { timeoutMs })
  const name = `index-N of ${(paired.bytes / 1e6).toFixed(0)} MB`
  const ratio = median(paired.decode.map((seconds, i) => seconds / (paired.parse[i] ?? Number.NaN)))
  const alone = await measure({ kind: 'decode', shape }, { timeoutMs })
  return [
    {
      id: 'decode-vs-json-parse',
      case: name,
      measure: 'decode : JSON.parse',
      value: ratio,
      unit: 'ratio',
      target: 1.5,
    },
    {
      id: 'index-n-decode-processor',
      case: name,
      measure: 'decode, processor',
      value: median(paired.decode),
      unit: 'seconds',
      target: null,
    },
    { case: name, measure: 'JSON.parse, processor', value: median(paired.parse), unit: 'seconds', target: null },
    {
      id: 'index-n-peak-memory',
      case: name,
      measure: 'peak memory of decode alone',
      value: alone.peakBytes,
      unit: 'bytes',
      target: memoryTarget,
    },
  ]
}

export async function benchInspect(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const indices = Math.max(1, Math.round(2000 * scale))
  const shape = shapeOf({
    snapshots: 1000,
    indices,
    shards: 1,
    segments: 2,
    filesPerSegment: 1,
    fresh: 0.01,
    data: false,
    compress: false,
  })
  say(`inspect --jsonl of ${shape.snapshots} snapshots of ${indices} indices`)
  const used = await measure({ kind: 'inspect', shape }, { timeoutMs })
  const name = `inspect --jsonl, ${shape.snapshots} × ${indices}`
  return [
    { case: name, measure: 'written', value: used.bytes, unit: 'bytes', target: null },
    { id: 'inspect-time', case: name, measure: 'time', value: used.seconds, unit: 'seconds', target: null },
    {
      id: 'inspect-peak-memory',
      case: name,
      measure: 'peak memory',
      value: used.peakBytes,
      unit: 'bytes',
      target: memoryTarget,
    },
  ]
}
