/** A repository as a real OpenSearch writes it: some indices, daily snapshots of all of them, and each day some indices are written to. */
import { randomFillSync } from 'node:crypto'
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type SourceCluster, startSourceCluster } from '../../local/cluster.ts'

/** Has repository-s3 among Maven's jars, which Elasticsearch has not. */
export const server = { product: 'opensearch', version: '3.3.0' } as const

export interface DailyShape {
  readonly days: number
  readonly indices: number
  /** Indices that are written to on each day after the first, in turn. */
  readonly writtenPerDay: number
  /** Bytes of documents of each index on the first day. */
  readonly firstBytes: number
  /** Bytes of documents that a day adds to an index that it writes to. */
  readonly dailyBytes: number
}

export interface DailyRepository {
  /** Folder of buckets for a local S3 server; the repository is `bucket/base`. */
  readonly root: string
  readonly snapshots: readonly string[]
  /** By snapshot, then index. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Of all data blobs together: what a reader of each blob once reads. */
  readonly uniqueBytes: number
}

const documentBytes = 4096

export async function makeDaily(
  shape: DailyShape,
  folder: string,
  cacheFolder: string,
  say: (text: string) => void,
  writer: { readonly product: 'elasticsearch' | 'opensearch'; readonly version: string } = server,
): Promise<DailyRepository> {
  const cluster = await startSourceCluster({ workFolder: join(folder, 'source'), cacheFolder, ...writer, heapMb: 1024 })
  try {
    // Hashed prefixes of an fs repository would not be where an s3 repository of the same files looks for them.
    const made = await cluster.createRepository('base', { shard_path_type: 'FIXED' })
    const names = Array.from({ length: shape.indices }, (_, i) => `index-${String(i).padStart(2, '0')}`)
    for (const name of names) await createIndex(cluster, name)
    const counts: Record<string, Record<string, number>> = {}
    const now: Record<string, number> = {}
    for (let day = 1; day <= shape.days; day++) {
      const written = day === 1 ? names : inTurn(names, (day - 2) * shape.writtenPerDay, shape.writtenPerDay)
      const bytes = day === 1 ? shape.firstBytes : shape.dailyBytes
      for (const name of written) {
        now[name] = (now[name] ?? 0) + (await addDocuments(cluster, name, bytes, now[name] ?? 0))
      }
      const snapshot = `day-${String(day).padStart(2, '0')}`
      await cluster.snapshot('base', snapshot, names.join(','))
      counts[snapshot] = { ...now }
      if (day === 1 || day % 10 === 0) say(`day ${day} of ${shape.days} is written`)
    }
    const root = join(folder, 's3')
    await mkdir(join(root, 'bucket'), { recursive: true })
    await rename(made, join(root, 'bucket/base'))
    return { root, snapshots: Object.keys(counts), counts, uniqueBytes: await dataBytes(join(root, 'bucket/base')) }
  } finally {
    await cluster.stop()
  }
}

function inTurn(names: readonly string[], from: number, count: number): string[] {
  return Array.from({ length: Math.min(count, names.length) }, (_, i) => names[(from + i) % names.length] ?? '')
}

async function createIndex({ client }: SourceCluster, name: string): Promise<void> {
  const payload = { type: 'keyword', index: false, doc_values: false }
  await client.transport.request({
    method: 'PUT',
    path: `/${name}`,
    body: {
      settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' },
      mappings: { properties: { n: { type: 'long' }, kind: { type: 'keyword' }, payload } },
    },
  })
}

/** Noise, so that nothing is compressed away. Returns how many there are. */
async function addDocuments({ client }: SourceCluster, index: string, bytes: number, from: number): Promise<number> {
  const count = Math.max(1, Math.round(bytes / documentBytes))
  const perRequest = 2048
  for (let sent = 0; sent < count; sent += perRequest) {
    const lines = Array.from({ length: Math.min(perRequest, count - sent) }, (_, i) => {
      const payload = randomFillSync(Buffer.allocUnsafe((documentBytes * 3) / 4)).toString('base64')
      return `{"index":{}}\n${JSON.stringify({ n: from + sent + i, kind: `kind-${i % 10}`, payload })}\n`
    })
    const answer = await client.transport.request<{ errors: boolean }>(
      { method: 'POST', path: `/${index}/_bulk`, bulkBody: lines.join('') },
      { requestTimeout: 120_000 },
    )
    if (answer.errors) throw new Error(`${index} refused documents`)
  }
  await client.transport.request({ method: 'POST', path: `/${index}/_flush` }, { requestTimeout: 120_000 })
  return count
}

async function dataBytes(folder: string): Promise<number> {
  const blobs = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    entry => entry.isFile() && entry.name.startsWith('__'),
  )
  const sizes = await Promise.all(blobs.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
