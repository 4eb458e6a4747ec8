/**
 * Reading beside those who read the same: every byte of a repository in a local S3 by `check --level bytes` and by plain GETs, on a disk by us
 * and by `restic check --read-data` of the same files, and the sizes of all shards by `inspect --jsonl` and by a server's `_status`, of many small ones. In turns,
 * each of us in a process of its own. `--scale` divides the bytes, and the snapshots of the many small shards.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { cacheFolder } from '../../src/config/cache.ts'
import { startSourceCluster } from '../local/cluster.ts'
import { measure } from './measure.ts'
import { server } from './restores/repository.ts'
import { onRepository, type RestoreBench } from './restores/turns.ts'
import type { Measurement } from './result.ts'
import { inTurns, rowsOf, type Turns } from './turns.ts'

const execute = promisify(execFile)
const timeoutMs = 3_600_000
const [days, indices] = [30, 8]
const name = `${days} days × ${indices}`
const manyIndices = 40

export async function benchReading(scale: number, say: Turns['say'], isQuick: boolean): Promise<Measurement[]> {
  const firstBytes = 64 * 2 ** 20 * scale
  const turns = { rounds: isQuick ? 2 : 5, say }
  const shape = { days, indices, writtenPerDay: 2, firstBytes, dailyBytes: firstBytes / 10 }
  const read = await onRepository(shape, say, async bench => [
    ...(await besideGet(bench, turns)),
    ...(await besideRestic(bench, turns)),
  ])
  const nights = Math.max(5, Math.round(100 * scale))
  const many = { days: nights, indices: manyIndices, writtenPerDay: 2, firstBytes: 65_536, dailyBytes: 65_536 }
  const status = await onRepository(many, say, bench => besideStatus(bench, `${nights} days × ${manyIndices}`, turns))
  return [...read, ...status]
}

/** Of the same objects, as many at once. Ours looks at the list of objects and at every checksum besides. */
async function besideGet({ endpointUrl }: RestoreBench, turns: Turns): Promise<readonly Measurement[]> {
  const names = ['check --level bytes, S3', 'plain GET'] as const
  const pairs = await inTurns(
    names,
    async () => (await measure({ kind: 'byte-proof', url: 's3://bucket/base', endpointUrl }, { timeoutMs })).seconds,
    async () =>
      (await measure({ kind: 'plain-get', bucket: 'bucket', prefix: 'base/', endpointUrl }, { timeoutMs })).seconds,
    turns,
  )
  return rowsOf(name, 'byteproof-vs-get', names, pairs, 1 / 0.9)
}

/** Restic reads its own copy of the same files, which it compressed as little as it can, and decrypts it; both read from the disk. */
async function besideRestic({ repository, folder }: RestoreBench, turns: Turns): Promise<readonly Measurement[]> {
  const environment = { ...process.env, RESTIC_PASSWORD: 'bench', RESTIC_REPOSITORY: join(folder, 'restic') }
  const restic = (...args: string[]) =>
    execute('restic', ['--no-cache', ...args], { env: environment, timeout: timeoutMs, maxBuffer: 2 ** 24 })
  try {
    await restic('version')
  } catch (error) {
    turns.say(`SKIPPED byteproof-vs-restic-check: no restic (${(error as Error).message.split('\n')[0]})`)
    return []
  }
  const place = join(repository.root, 'bucket/base')
  await restic('init')
  await restic('backup', place)
  const names = ['check --level bytes, disk', 'restic check --read-data'] as const
  const pairs = await inTurns(
    names,
    async () =>
      (await measure({ kind: 'byte-proof', url: `file://${place}`, endpointUrl: null }, { timeoutMs })).seconds,
    async () => {
      const start = performance.now()
      await restic('check', '--read-data')
      return (performance.now() - start) / 1000
    },
    turns,
  )
  return rowsOf(name, 'byteproof-vs-restic-check', names, pairs, 1)
}

/** A server that is up already, and what each of us is asked: how large is every shard of every snapshot? */
async function besideStatus(
  { repository, folder }: RestoreBench,
  name: string,
  turns: Turns,
): Promise<readonly Measurement[]> {
  const cluster = await startSourceCluster({
    workFolder: join(folder, 'status'),
    cacheFolder: cacheFolder(process.env),
    repositoryFolder: join(repository.root, 'bucket'),
    ...server,
    heapMb: 1024,
  })
  const ask = <T>(method: string, path: string, body?: object) =>
    cluster.client.transport.request<T>(
      { method, path, ...(body === undefined ? {} : { body }) },
      { requestTimeout: timeoutMs },
    )
  try {
    const place = join(repository.root, 'bucket/base')
    await ask('PUT', '/_snapshot/base', { type: 'fs', settings: { location: place, readonly: true } })
    const names = ['inspect --jsonl', '_snapshot/_all and _status'] as const
    const pairs = await inTurns(
      names,
      async () => (await measure({ kind: 'inspect-store', url: `file://${place}` }, { timeoutMs })).seconds,
      async () => {
        const start = performance.now()
        await ask('GET', '/_snapshot/base/_all')
        const { snapshots } = await ask<{ snapshots: unknown[] }>(
          'GET',
          `/_snapshot/base/${repository.snapshots.join(',')}/_status`,
        )
        if (snapshots.length !== repository.snapshots.length) throw new Error(`${snapshots.length} were answered`)
        return (performance.now() - start) / 1000
      },
      turns,
    )
    return rowsOf(name, 'inspect-vs-status', names, pairs, 1)
  } finally {
    await cluster.stop()
  }
}
