/**
 * Memory at a twentieth of the blobs, and a share of the snapshots, that the design names: each in a process of its own, whose heap is kept far below what
 * holding everything would take. No times are looked at.
 */
import { describe, expect, test } from 'vitest'
import { largeShapes, memoryTarget } from '../../infra/bench/check.ts'
import { measure } from '../../infra/bench/measure.ts'
import { countBlobs, shapeOf } from '../../infra/local/generate/shape.ts'

/** Half a minute on two idle cores. */
const timeoutMs = 500_000
/** Node, the program's code and the buffers that one thread's work leaves behind; the rest is heap. */
const outsideHeap = 300 * 1024 ** 2

const lean = { compress: false, data: false } as const
const many = shapeOf({ ...lean, snapshots: 4000, indices: 20, segments: 1, shards: 1, filesPerSegment: 1, fresh: 0.01 })

describe.concurrent('a bounded memory', { timeout: 2 * timeoutMs }, () => {
  test('check: half a million data blobs', async () => {
    // One night of them: what is listed is what counts.
    const shape = shapeOf({ ...largeShapes(1 / 20).blobs, snapshots: 1 })
    const { data, metadata } = countBlobs(shape)
    expect(data).toBeGreaterThan(450_000)
    const heapMb = 160
    const used = await measure({ kind: 'check', level: 'presence', shape, ledger: null }, { heapMb, timeoutMs })
    expect(used).toMatchObject({ exitCode: 0, findings: 0, heads: 0 })
    expect(used.gets).toBeLessThanOrEqual(metadata * 1.05)
    expect(used.lists).toBeLessThanOrEqual(((data + metadata) * 1.05) / 1000 + 2)
    expect(used.peakBytes).toBeLessThan(heapMb * 1024 ** 2 + outsideHeap)
    expect(used.peakBytes).toBeLessThan(memoryTarget)
  })

  test('check, then inspect --jsonl: 80,000 indices in snapshots', async () => {
    const heapMb = 112
    const checked = await measure(
      { kind: 'check', level: 'presence', shape: many, ledger: null },
      { heapMb, timeoutMs },
    )
    expect(checked).toMatchObject({ exitCode: 0, findings: 0, gets: countBlobs(many).metadata })
    expect(checked.peakBytes).toBeLessThan(heapMb * 1024 ** 2 + outsideHeap)
    // Collecting the same rows ends with "heap out of memory" at this size.
    const inspected = await measure({ kind: 'inspect', shape: many }, { heapMb: 80, timeoutMs })
    expect(inspected.lines).toBe(many.snapshots + 2)
    expect(inspected.bytes).toBeGreaterThan(10_000_000)
    expect(inspected.peakBytes).toBeLessThan(80 * 1024 ** 2 + outsideHeap)
  })
})

test('a measuring process that fails says why', async () => {
  const shape = shapeOf({ ...lean, snapshots: 3000, indices: 300 })
  await expect(measure({ kind: 'decode-and-parse', shape, rounds: 1 }, { heapMb: 20, timeoutMs })).rejects.toThrow(
    /heap/,
  )
})
