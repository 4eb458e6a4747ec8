/** Several ways to restore one repository, in turns within one run, each with a server of its own and its bytes counted. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../../src/config/cache.ts'
import { type LocalS3, startLocalS3 } from '../../local/s3/server.ts'
import { median } from '../result.ts'
import { restoreNaively } from './naive.ts'
import { type OursOptions, restoreByUs } from './ours.ts'
import { type DailyRepository, type DailyShape, makeDaily } from './repository.ts'
import { narrowWire } from './wire.ts'

/** Of 1 Gbit/s. */
const gigabit = 125_000_000
const keys = { AWS_ACCESS_KEY_ID: 'reader', AWS_SECRET_ACCESS_KEY: 'unchecked' }

export interface Used {
  readonly seconds: number
  /** Bytes that the S3 server sent, whoever asked for them; 0 from a disk. */
  readonly bytes: number
}
export type UsedBy<Way extends string> = Readonly<Record<Way, readonly Used[]>>

/** Restores all; `place` is an empty folder of its own. */
export type Restoring = (place: string) => Promise<void>

/** `disk`: the repository lies in a folder that both read without S3. */
type Path = 'gigabit' | 'disk'

export interface RestoreBench {
  readonly repository: DailyRepository
  /** Of the S3 server, without the narrow wire. */
  readonly endpointUrl: string
  /** For work; goes with the repository. */
  readonly folder: string
  naive(how: { readonly wire: Path; readonly tuned: boolean }): Restoring
  ours(how: { readonly wire: Path } & Pick<OursOptions, 'source' | 'chainFrom'>): Restoring
  inTurns<Way extends string>(ways: Readonly<Record<Way, Restoring>>, rounds: number): Promise<UsedBy<Way>>
}

/** Makes the repository, hands it to `body`, and leaves nothing behind. */
export async function onRepository<T>(
  shape: DailyShape,
  say: (text: string) => void,
  body: (bench: RestoreBench) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'snapproof-bench-restores-'))
  const before = { ...process.env }
  Object.assign(process.env, keys)
  const closing: (() => Promise<void>)[] = []
  try {
    const repository = await makeDaily(shape, folder, cacheFolder(process.env), say)
    const s3 = await startLocalS3({ root: repository.root })
    closing.push(() => s3.close())
    const wire = await narrowWire(s3.port, gigabit)
    closing.unshift(() => wire.close())
    return await body(openBench(repository, s3, `http://127.0.0.1:${wire.port}`, folder, say))
  } finally {
    for (const close of closing) await close()
    for (const name of Object.keys(keys)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    await rm(folder, { recursive: true, force: true })
  }
}

function openBench(
  repository: DailyRepository,
  s3: LocalS3,
  endpointUrl: string,
  folder: string,
  say: (text: string) => void,
): RestoreBench {
  const store = {
    bucket: 'bucket',
    basePath: 'base',
    region: 'us-east-1',
    endpointUrl,
    pathStyle: true,
    credentials: async () => ({ accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY }),
  }
  return {
    repository,
    endpointUrl: s3.endpointUrl,
    folder,
    naive:
      ({ wire, tuned }) =>
      place =>
        restoreNaively({
          repository,
          store: wire === 'disk' ? null : store,
          tuned,
          folder: place,
          cacheFolder: cacheFolder(process.env),
        }),
    ours:
      ({ wire, source, chainFrom }) =>
      async place => {
        const { snapshots, root } = repository
        const from =
          wire === 'disk'
            ? { url: `file://${join(root, 'bucket/base')}`, endpointUrl: null }
            : { url: 's3://bucket/base', endpointUrl }
        await restoreByUs({ ...from, source, chainFrom, snapshots, folder: place })
      },
    async inTurns<Way extends string>(ways: Readonly<Record<Way, Restoring>>, rounds: number) {
      const names = Object.keys(ways) as Way[]
      const used = Object.fromEntries(names.map(name => [name, [] as Used[]])) as Record<Way, Used[]>
      for (let round = 1; round <= rounds; round++) {
        // Who goes first changes, so that a warm cache is nobody's own.
        for (let i = 0; i < names.length; i++) {
          const name = names[(i + round - 1) % names.length] as Way
          const one = await timed(ways[name], join(folder, `${name}-${round}`), s3)
          used[name].push(one)
          say(`round ${round}, ${name}: ${one.seconds.toFixed(1)} s, ${(one.bytes / 2 ** 20).toFixed(0)} MiB`)
        }
      }
      return used
    },
  }
}

async function timed(way: Restoring, place: string, s3: LocalS3): Promise<Used> {
  await mkdir(place)
  try {
    const sent = s3.requests.bytesSent
    const start = performance.now()
    await way(place)
    return { seconds: (performance.now() - start) / 1000, bytes: s3.requests.bytesSent - sent }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

export function bytesOf<Way extends string>(used: UsedBy<Way>, way: Way): number {
  return median(used[way].map(({ bytes }) => bytes))
}

export function secondsOf<Way extends string>(used: UsedBy<Way>, way: Way): number {
  return median(used[way].map(({ seconds }) => seconds))
}

/** Seconds of one way in those of another in the same round, so that what slows the machine slows both. */
export function ratiosOf<Way extends string>(used: UsedBy<Way>, way: Way, other: Way): number[] {
  return used[way].map(({ seconds }, i) => seconds / (used[other][i]?.seconds ?? Number.NaN))
}
