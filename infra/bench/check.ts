/**
 * `check --level presence` of generated repositories, night after night with a ledger: requests, bytes, seconds and peak
 * memory against the numbers of the design. Each night runs in a process of its own.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countBlobs, nextNight, type RepositoryShape, shapeOf } from '../local/generate/shape.ts'
import { measure } from './measure.ts'
import type { Measurement } from './result.ts'
import type { CheckAnswer, Task } from './task.ts'

const nightTimeoutMs = 4 * 3_600_000
/** Most that any of these repositories may take. */
export const memoryTarget = 1024 ** 3
const pageKeys = 1000

/** Only listed, and cheap to make: what is measured is the check. */
const lean = { compress: false, data: false } as const

/** The two largest of the design at a share of their size: 10 million data blobs, and 5,000 snapshots of 2,000 indices. */
export function largeShapes(scale: number): { readonly blobs: RepositoryShape; readonly pairs: RepositoryShape } {
  const part = (count: number) => Math.max(1, Math.round(count * scale))
  return {
    blobs: shapeOf({
      ...lean,
      snapshots: 3,
      indices: part(1000),
      shards: 10,
      segments: 80,
      filesPerSegment: 12,
      fresh: 0.025,
    }),
    pairs: shapeOf({
      ...lean,
      snapshots: 5000,
      indices: part(2000),
      shards: 1,
      segments: 2,
      filesPerSegment: 1,
      fresh: 0.01,
    }),
  }
}

/** The same repository but for the number of its snapshots: what a steady night costs must not follow that. */
function steadyShape(snapshots: number, scale: number): RepositoryShape {
  const indices = Math.max(1, Math.round(100 * scale))
  return shapeOf({ ...lean, snapshots, indices, shards: 2, segments: 4, filesPerSegment: 2, fresh: 0.1 })
}

interface TwoNights {
  readonly first: CheckAnswer
  readonly second: CheckAnswer
}

/** First and second night of a repository. */
async function twoNights(shape: RepositoryShape): Promise<TwoNights> {
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-bench-'))
  const night = (tonight: RepositoryShape) => {
    const task = {
      kind: 'check',
      level: 'presence',
      shape: tonight,
      ledger: join(folder, 'ledger.sqlite'),
    } as const satisfies Task
    return measure(task, { timeoutMs: nightTimeoutMs })
  }
  try {
    const first = await night(shape)
    const second = await night(nextNight(shape))
    for (const { exitCode, findings } of [first, second])
      if (exitCode !== 0 || findings !== 0)
        throw new Error(`a good repository: exit code ${exitCode}, ${findings} findings`)
    return { first, second }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Of the ledger's file after a night that read every byte, for each data blob. */
async function ledgerBytesPerBlob(scale: number): Promise<number> {
  const indices = Math.max(1, Math.round(100 * scale))
  const files = { shards: 10, segments: 80, filesPerSegment: 12, fileBytes: 64 }
  const shape = shapeOf({ ...lean, ...files, data: true, snapshots: 3, indices, fresh: 0.025 })
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-bench-'))
  const ledger = join(folder, 'ledger.sqlite')
  try {
    const { exitCode } = await measure({ kind: 'check', level: 'bytes', shape, ledger }, { timeoutMs: nightTimeoutMs })
    if (exitCode !== 0) throw new Error(`a good repository: exit code ${exitCode}`)
    return statSync(ledger).size / countBlobs(shape).data
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Metadata blobs that a night after the first has never seen: index-N, index.latest, snap- and meta-, and two for each shard. */
function newMetadata({ indices, shards }: RepositoryShape): number {
  return 4 + 2 * indices * shards
}

/** What each night used, and the most that it may ask. */
function limitsOf(shape: RepositoryShape, { first, second }: TwoNights) {
  const nights = [
    ['first night', shape, first, countBlobs(shape).metadata],
    ['second night', nextNight(shape), second, newMetadata(shape)],
  ] as const
  return nights.map(([night, tonight, used, unread]) => {
    const { data, metadata } = countBlobs(tonight)
    // Whatever the size: the root is listed apart, and its index-N looked for.
    const lists = Math.ceil((1.05 * (data + metadata)) / pageKeys) + 2
    return { night, used, most: { lists, gets: Math.ceil(1.05 * unread) } }
  })
}

function nightly(name: string, shape: RepositoryShape, { first, second }: TwoNights): Measurement[] {
  const rows: Measurement[] = []
  for (const { night, used, most } of limitsOf(shape, { first, second })) {
    const row = (measured: string, value: number, unit: Measurement['unit'], target: number | null = null) =>
      rows.push({ case: name, measure: `${night}: ${measured}`, value, unit, target })
    row('LIST', used.lists, 'requests', most.lists)
    row('GET', used.gets, 'requests', most.gets)
    row('HEAD', used.heads, 'requests', 0)
    row('read', used.bytesRead, 'bytes')
    row('time', used.seconds, 'seconds')
    row('processor', used.cpuSeconds, 'seconds')
    row('peak memory', used.peakBytes, 'bytes', memoryTarget)
  }
  return rows
}

/** Left out as the design says: index-N, the listing, and what shard generations grow by. */
function ownCost({ gets, heads, bytesRead, bytesOf }: CheckAnswer): {
  readonly requests: number
  readonly bytes: number
} {
  const left = (bytesOf['repository-data'] ?? 0) + (bytesOf['shard-generation'] ?? 0)
  return { requests: gets + heads, bytes: bytesRead - left }
}

export async function benchCheck(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const rows: Measurement[] = []
  const shares: { readonly lists: number; readonly gets: number }[] = []
  const run = async (name: string, shape: RepositoryShape) => {
    const { data, metadata } = countBlobs(shape)
    say(`${name}: ${data} data blobs, ${metadata} metadata blobs`)
    const nights = await twoNights(shape)
    rows.push(...nightly(name, shape, nights))
    shares.push(
      ...limitsOf(shape, nights).map(({ used, most }) => ({
        lists: used.lists / most.lists,
        gets: used.gets / most.gets,
      })),
    )
    return nights
  }
  const few = await run('50 snapshots', steadyShape(50, scale))
  const many = await run('5,000 snapshots', steadyShape(5000, scale))
  const [small, large] = [ownCost(few.second), ownCost(many.second)]
  const steady = 'steady night, 5,000 : 50'
  rows.push(
    {
      id: 'steady-night-5000-vs-50',
      case: steady,
      measure: 'GET and HEAD',
      value: large.requests / small.requests,
      unit: 'ratio',
      target: 1.2,
    },
    {
      id: 'steady-night-5000-vs-50-bytes',
      case: steady,
      measure: 'read, the rest',
      value: large.bytes / small.bytes,
      unit: 'ratio',
      target: 1.2,
    },
  )
  const shapes = largeShapes(scale)
  const largest = await run('10 million blobs', shapes.blobs)
  await run('5,000 snapshots × 2,000', shapes.pairs)
  say('a million data blobs, every byte')
  const perBlob = await ledgerBytesPerBlob(scale)
  const peak = Math.max(largest.first.peakBytes, largest.second.peakBytes) / 2 ** 20
  const all = { case: 'all nights', unit: 'ratio', target: 1 } as const
  rows.push(
    { ...all, id: 'list-requests-vs-limit', measure: 'LIST ÷ limit', value: Math.max(...shares.map(one => one.lists)) },
    {
      ...all,
      id: 'presence-requests-vs-limit',
      measure: 'GET ÷ limit',
      value: Math.max(...shares.map(one => one.gets)),
    },
    {
      id: 'ledger-bytes-per-blob',
      case: 'every byte of a million blobs',
      measure: 'ledger',
      value: perBlob,
      unit: 'bytes',
      target: 24,
    },
    {
      id: 'memory-10m-blobs-mib',
      case: '10 million blobs',
      measure: 'peak memory',
      value: peak,
      unit: 'MiB',
      target: 1024,
    },
  )
  return rows
}
