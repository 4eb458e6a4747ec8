/** Reads every byte of a store: by `check --level bytes`, and by nothing but GET. */
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import pLimit from 'p-limit'
import { openStore } from '../../src/blobs/open.ts'
import type { RequestCounts } from '../../src/blobs/port.ts'
import { silentLog } from '../../src/log.ts'
import { checkReport } from '../../src/run/checkReport.ts'
import { systemClock } from '../../src/time.ts'
import type { ReadAnswer, Task, Used } from './task.ts'

type Read = Omit<ReadAnswer, keyof Used>
/** At once, whoever reads. */
const requests = 16
const { signal } = new AbortController()

/** Throws `Error` when anything is found. */
export async function byteProof({ url, endpointUrl }: Task & { readonly kind: 'byte-proof' }): Promise<Read> {
  const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
  const blobs = openStore(url, { clock: systemClock, counts, ...(endpointUrl === null ? {} : { endpointUrl }) })
  try {
    const { report, exitCode } = await checkReport({
      level: 'bytes',
      maxBytes: null,
      maxSeconds: null,
      blobs,
      counts,
      requests,
      maxMetadataBytes: 256 * 2 ** 20,
      clock: systemClock,
      log: silentLog,
      signal,
    })
    if (exitCode !== 0) throw new Error(`a good repository: exit code ${exitCode}, ${report.findings.length} findings`)
    return { objects: counts.get, bytes: counts.bytesRead }
  } finally {
    await blobs.close()
  }
}

export async function plainGet(task: Task & { readonly kind: 'plain-get' }): Promise<Read> {
  const { bucket: Bucket, prefix: Prefix, endpointUrl } = task
  const client = new S3Client({
    endpoint: endpointUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: requests } }),
  })
  const limit = pLimit(requests)
  try {
    const keys: string[] = []
    for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
      keys.push(...(Contents ?? []).map(({ Key }) => Key ?? ''))
    const sizes = await Promise.all(
      keys.map(Key =>
        limit(async () => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
          let bytes = 0
          for await (const piece of Body as AsyncIterable<Buffer>) bytes += piece.length
          return bytes
        }),
      ),
    )
    return { objects: keys.length, bytes: sizes.reduce((sum, one) => sum + one, 0) }
  } finally {
    client.destroy()
  }
}
