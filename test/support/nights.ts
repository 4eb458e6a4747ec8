/** A growing index of a real server in three snapshots, and a snapshot bent so that it names another blob for a shared file. */
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { crc32 } from 'node:zlib'
import { type SourceCluster, type SourceClusterOptions, startSourceCluster } from '../../infra/local/cluster.ts'
import { buildRun } from '../../src/cli/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silentLog } from '../../src/log.ts'
import type { Evidence } from '../../src/model/evidence.ts'
import type { RunResult } from '../../src/model/run.ts'
import { audit } from '../../src/run/audit.ts'
import { systemClock } from '../../src/time.ts'

export const nights = ['night-1', 'night-2', 'night-3'] as const

export interface Grown {
  /** Folder of the repository. */
  readonly folder: string
  /** Uuids of the snapshots, by name. */
  readonly uuids: Readonly<Record<string, string>>
}

/** Each night a segment more. Metadata blobs are not compressed, so that a test can bend them. */
export async function grow(options: SourceClusterOptions, docs = 1500): Promise<Grown & { stop(): Promise<void> }> {
  const cluster = await startSourceCluster(options)
  try {
    // Hashed prefixes of an fs repository would not be where an s3 repository of the same files looks for them.
    const fixed = options.product === 'opensearch' ? { shard_path_type: 'FIXED' } : {}
    const folder = await cluster.createRepository('nights', { compress: false, ...fixed })
    await cluster.client.transport.request({
      method: 'PUT',
      path: '/grow',
      body: { settings: { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' } },
    })
    const uuids: Record<string, string> = {}
    for (const [i, night] of nights.entries()) {
      await addDocuments(cluster, docs, i)
      uuids[night] = await cluster.snapshot('nights', night, 'grow')
    }
    return { folder, uuids, stop: () => cluster.stop() }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

async function addDocuments({ client }: SourceCluster, count: number, seed: number): Promise<void> {
  const lines: string[] = []
  let state = seed + 1
  for (let i = 0; i < count; i++) {
    const words: string[] = []
    for (let w = 0; w < 12; w++) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      words.push(state.toString(36))
    }
    lines.push('{"index":{}}', JSON.stringify({ n: i, text: words.join(' ') }))
  }
  await client.transport.request({ method: 'POST', path: '/grow/_bulk', bulkBody: `${lines.join('\n')}\n` })
  await client.transport.request({ method: 'POST', path: '/grow/_flush' })
}

/**
 * The given night names a copy of a blob that night 3 names too, and a byte of the copy is flipped: two blobs, one Lucene file,
 * one of them damaged. Returns the key of the copy.
 */
export async function twinBlob({ folder, uuids }: Grown, { night: bent }: { readonly night: string }): Promise<string> {
  const [index = ''] = await readdir(join(folder, 'indices'))
  const shard = join(folder, 'indices', index, '0')
  const snap = (night: string) => join(shard, `snap-${uuids[night]}.dat`)
  const names = async (night: string) =>
    new Set((await readFile(snap(night), 'latin1')).match(/(?<!v)__[\w-]{22}/g) ?? [])
  const newest = await names('night-3')
  const shared = [...(await names(bent))].filter(name => newest.has(name))
  const sizes = await Promise.all(shared.map(async name => [(await readFile(join(shard, name))).length, name] as const))
  const [, original = ''] = sizes.sort(([a], [b]) => b - a)[0] ?? []
  const twin = `${original.slice(0, -4)}twin`
  await copyFile(join(shard, original), join(shard, twin))
  const bytes = await readFile(join(shard, twin))
  const middle = Math.floor(bytes.length / 2)
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle)
  await writeFile(join(shard, twin), bytes)
  const text = (await readFile(snap(bent), 'latin1')).replaceAll(original, twin)
  const framed = Buffer.from(text, 'latin1')
  framed.writeBigInt64BE(BigInt(crc32(framed.subarray(0, -8))), framed.length - 8)
  await writeFile(snap(bent), framed)
  return `indices/${index}/0/${twin}`
}

export interface Night {
  readonly run: RunResult
  /** By snapshot. */
  readonly evidence: Readonly<Record<string, Evidence | undefined>>
}

/** Verifies all three nights. `yaml`: of the configuration, without ledger and metrics. */
export async function verifyNights(yaml: string, work: string): Promise<Night> {
  const file = join(work, 'snapproof.yaml')
  await writeFile(file, `${yaml}\nledger: { sync: none }\nmetrics: { enabled: false }\n`)
  const config = await loadConfig({ file, environment: {}, overrides: {} })
  const { signal } = new AbortController()
  const context = {
    environment: process.env,
    clock: systemClock,
    log: { ...silentLog, clear: () => {} },
    signal,
    print: () => {},
  }
  const out = join(work, `out-${crc32(yaml)}`)
  const { dependencies, close } = await buildRun(context, config, out)
  try {
    const run = await audit(dependencies, { command: 'verify', only: nights, limits: config.limits })
    const evidence: Record<string, Evidence> = {}
    for (const row of run.restores) {
      if (row.evidence !== null) evidence[row.snapshot] = JSON.parse(await readFile(join(out, row.evidence), 'utf8'))
    }
    return { run, evidence }
  } finally {
    await close()
  }
}

/** Snapshot → verdict at `restore` of its index. */
export function verdictsOf({ run }: Night): Record<string, string> {
  const rows = run.verdicts.filter(row => row.level === 'restore' && row.index === null)
  return Object.fromEntries(rows.map(row => [row.snapshot, row.verdict]))
}
