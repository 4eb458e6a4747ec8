/** What the demo and the array's demo begin with: a repository that a real server wrote, and a configuration as a user would write it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../../src/config/cache.ts'
import { silentLog } from '../../../src/log.ts'
import { type SourceCluster, startSourceCluster } from '../cluster.ts'
import { emptyOrders, fillCluster } from './fill.ts'

export interface Place {
  /** Folder; `s3/<bucket>/<base>` below it is the repository. */
  readonly work: string
  readonly bucket: string
  readonly base: string
}

interface Telling extends Place {
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

export async function takeSnapshots(options: Telling): Promise<void> {
  const cluster = await takeSnapshotsAndStay(options)
  await cluster.stop()
}

/** The cluster goes on as that of the story; who asks stops it. */
export async function takeSnapshotsAndStay({ work, bucket, base, signal, say }: Telling): Promise<SourceCluster> {
  const cluster = await startSourceCluster({
    workFolder: join(work, 'source'),
    cacheFolder: cacheFolder(process.env),
    repositoryFolder: join(work, 's3', bucket),
    signal,
    log: { ...silentLog, info: text => say(`   ${text}`) },
  })
  try {
    await cluster.createRepository(base)
    await fillCluster(cluster, base, (day, indices) => say(`   ${day}: snapshot of ${indices} indices`))
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** The night after: an index is made again under its name, empty but for a few documents, and the snapshot is taken as ever. */
export async function takeEmptied(cluster: SourceCluster, base: string): Promise<string> {
  await emptyOrders(cluster)
  await cluster.snapshot(base, emptiedSnapshot, '*')
  return emptiedSnapshot
}
const emptiedSnapshot = 'nightly-2026-03-06'

/** The ledger lies in the same bucket, beside the repository. Resolves with the file. */
export async function writeConfig({
  work,
  bucket,
  base,
  endpointUrl,
}: Place & { readonly endpointUrl: string }): Promise<string> {
  const file = join(work, 'snapproof.yaml')
  const text = `repository:
  name: demo
  url: s3://${bucket}/${base}
  endpointUrl: ${endpointUrl}
ledger:
  url: s3://${bucket}/snapproof/demo
  endpointUrl: ${endpointUrl}
engines:
  - name: elasticsearch-9
    kind: maven
    version: 9.5.3
    heapMb: 512
rules:
  - name: orders are there
    index: orders
    documents: { min: 500 }
metrics:
  enabled: false # there is no CloudWatch here
`
  await writeFile(file, text)
  return file
}
