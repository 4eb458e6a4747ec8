/**
 * One snapshot on a cluster that is up already: restored, waited for and deleted by elasticsearch-curator, and by our `verify` with an engine of kind
 * `endpoint`, each a command of its own, in turns. Curator looks whether recoveries ended; ours reads every byte and asks what was restored. `--scale`
 * divides the bytes.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { cacheFolder } from '../../src/config/cache.ts'
import { type SourceCluster, sourceVersion, startSourceCluster } from '../local/cluster.ts'
import { installPython } from '../local/python-tools.ts'
import { asDistribution } from './distribution.ts'
import { type DailyRepository, makeDaily } from './restores/repository.ts'
import type { Measurement } from './result.ts'
import { inTurns, rowsOf, type Turns } from './turns.ts'

const execute = promisify(execFile)
const curatorVersion = '9.0.0'
const timeout = 1_800_000
const indices = 8
const clusterName = 'bench'
const program = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

export async function benchCurator(
  scale: number,
  say: (text: string) => void,
  isQuick: boolean,
): Promise<Measurement[]> {
  let programs: string
  try {
    programs = await installPython('elasticsearch-curator', curatorVersion)
  } catch (error) {
    say(`SKIPPED verify-vs-curator: ${(error as Error).message.split('\n')[0]}`)
    return []
  }
  const folder = await mkdtemp(join(tmpdir(), 'snapproof-bench-curator-'))
  try {
    const shape = { days: 1, indices, writtenPerDay: 0, firstBytes: 100 * 2 ** 20 * scale, dailyBytes: 0 }
    const product = { product: 'elasticsearch', version: sourceVersion } as const
    const repository = await makeDaily(shape, folder, cacheFolder(process.env), say, product)
    const cluster = await startSourceCluster({
      workFolder: join(folder, 'cluster'),
      cacheFolder: cacheFolder(process.env),
      heapMb: 1024,
      settings: new Map([
        ['cluster.name', clusterName],
        ['path.repo', repository.root],
      ]),
    })
    const [connection] = cluster.client.connectionPool.connections
    const url = String(connection?.url.origin)
    const distribution = await asDistribution(url, sourceVersion)
    try {
      const turns = { rounds: isQuick ? 2 : 5, say }
      return await beside({ cluster, url, distributionUrl: distribution.url, programs }, repository, turns)
    } finally {
      await distribution.close()
      await cluster.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Beside {
  readonly cluster: SourceCluster
  readonly url: string
  /** The same cluster for a client that asks `GET /`. */
  readonly distributionUrl: string
  readonly programs: string
}

async function beside(
  { cluster, url, distributionUrl, programs }: Beside,
  { root, snapshots: [snapshot = ''] }: DailyRepository,
  turns: Turns,
): Promise<Measurement[]> {
  const location = join(root, 'bucket/base')
  const work = join(root, 'work')
  await mkdir(work)
  const config = join(root, 'snapproof.yaml')
  await writeFile(
    config,
    `repository: { name: bench, url: 'file://${location}' }
engines: [ { name: theirs, kind: endpoint, version: ${sourceVersion}, url: '${url}', clusterName: ${clusterName}, repositoryFolder: '${work}' } ]
work: { folder: '${work}' }
output: { folder: '${join(root, 'runs')}' }
ledger: { sync: none, file: '${join(root, 'ledger.sqlite')}' }
metrics: { enabled: false }
`,
  )
  const ask = (method: string, body?: object) =>
    cluster.client.transport.request({ method, path: '/_snapshot/base', ...(body === undefined ? {} : { body }) })
  const curator = (...args: string[]) =>
    execute(join(programs, 'curator_cli'), ['--hosts', distributionUrl, ...args], { timeout, maxBuffer: 2 ** 24 })
  const rename = ['--rename_pattern', '(.+)', '--rename_replacement', 'check-$1']
  const restored = '[{"filtertype":"pattern","kind":"prefix","value":"check-"}]'
  const every = '[{"filtertype":"none"}]'
  const names = ['verify, kind endpoint', 'elasticsearch-curator'] as const
  const pairs = await inTurns(
    names,
    () =>
      secondsOf(() =>
        execute(process.execPath, ['--import', 'tsx', program, 'verify', snapshot, '--config', config], {
          timeout,
          maxBuffer: 2 ** 24,
        }),
      ),
    () =>
      secondsOf(async () => {
        // Ours refuses a cluster that holds what is not its own, so that each registers the repository for itself.
        const settings = { location, readonly: true, max_restore_bytes_per_sec: '0' }
        await ask('PUT', { type: 'fs', settings })
        const of = ['--repository', 'base', '--name', snapshot, '--filter_list', every]
        await curator('restore', ...of, ...rename, '--wait_interval', '1')
        const { count } = await cluster.client.count({ index: 'check-*' })
        if (count === 0) throw new Error('curator restored nothing')
        await curator('delete-indices', '--filter_list', restored)
        await ask('DELETE')
      }),
    turns,
  )
  return [...rowsOf(`1 snapshot × ${indices}`, 'verify-vs-curator', names, pairs, null)]
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
