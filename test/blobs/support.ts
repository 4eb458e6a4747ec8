/** A local S3 server over a temporary folder, and stores on it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ObjectFacts } from '../../infra/local/s3/facts.ts'
import type { FaultHook } from '../../infra/local/s3/faults.ts'
import { type LocalS3, type LocalS3Options, startLocalS3 } from '../../infra/local/s3/server.ts'
import type { RequestCounts } from '../../src/blobs/port.ts'
import { openS3Store, type S3StoreOptions } from '../../src/blobs/s3.ts'
import type { Store } from '../../src/blobs/write-probe.ts'
import { systemClock } from '../../src/time.ts'

export async function temporaryFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'snapproof-test-'))
}

export async function writeFiles(folder: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await mkdir(dirname(join(folder, key)), { recursive: true })
    await writeFile(join(folder, key), key)
  }
}

export function noCounts(): RequestCounts {
  return { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
}

/** Credentials that no server of ours looks at; the SDK wants some. */
export function fakeCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID = 'test'
  process.env.AWS_SECRET_ACCESS_KEY = 'test'
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])
    delete process.env[name]
}

export interface S3Lab {
  readonly root: string
  readonly server: LocalS3
  /** Set to plant a fault; unset to serve. */
  hook: FaultHook | undefined
  /** By key in the bucket: what the server says of these objects. */
  readonly facts: Map<string, ObjectFacts>
  store(options?: Partial<S3StoreOptions>): Store
  close(): Promise<void>
}

/** One bucket, `bucket`; stores have short deadlines. */
export async function startLab(options: Partial<LocalS3Options> = {}): Promise<S3Lab> {
  fakeCredentials()
  const root = await temporaryFolder()
  await mkdir(join(root, 'bucket'))
  const stores: Store[] = []
  const facts = new Map<string, ObjectFacts>()
  const hooks: LocalS3Options['hooks'] = {
    onRequest: request => lab.hook?.(request),
    factsOf: (_bucket, key) => facts.get(key),
  }
  const lab: S3Lab = {
    root,
    server: await startLocalS3({ root, hooks, ...options }),
    hook: undefined,
    facts,
    store(storeOptions = {}) {
      const store = openS3Store({
        bucket: 'bucket',
        basePath: 'base',
        endpointUrl: lab.server.endpointUrl,
        clock: systemClock,
        attemptTimeoutMs: 1_000,
        giveUpAfterMs: 3_000,
        ...storeOptions,
      })
      stores.push(store)
      return store
    },
    async close() {
      await Promise.all(stores.map(store => store.close()))
      await lab.server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
  return lab
}
