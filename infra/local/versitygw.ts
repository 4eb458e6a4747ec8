/**
 * versitygw, an S3 server of another maker: the second opinion on conditional writes, races and leases. Built once from the
 * Go module proxy into a cache outside the tree, started on a free port of the loopback over a folder.
 *
 * It honours `If-None-Match: *` and `If-Match` of PutObject (412; 404 where the key is missing) for what was written through it.
 * A file that another process lays into its folder has no ETag and is not protected: put everything through S3.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import getPort from 'get-port'
import { cacheFolder } from '../../src/config/cache.ts'
import { findCommand } from '../../src/engine/jdk.ts'
import { installOnce, run, startServer } from './servers.ts'

export const versitygwVersion = '1.8.0'

export interface Versitygw {
  readonly endpointUrl: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Each folder in it is a bucket. */
  readonly root: string
  /** Kills it. Idempotent. */
  stop(): Promise<void>
}

const programFolder = () => join(cacheFolder(process.env), `versitygw-${versitygwVersion}`)
const isBuilt = () => existsSync(join(programFolder(), 'complete'))

/** Why it cannot be had here, for a test that is left out aloud; null: it can. */
export async function versitygwMissing(): Promise<string | null> {
  if (isBuilt()) return null
  const go = await findCommand('go', process.env)
  const said =
    go === null ? '' : await promisify(execFile)(go, ['env', 'GOVERSION']).then(({ stdout }) => stdout.trim())
  const [, minor] = /^go1\.(\d+)/.exec(said) ?? []
  if (Number(minor) >= 25) return null
  return `left out: there is neither a built versitygw nor Go 1.25 or later to build it with, but ${said || 'no Go at all'}`
}

/** Builds it unless the cache has it. Resolves with the path of the program. @throws Error where there is no Go 1.25 or later */
export async function installVersitygw(): Promise<string> {
  const folder = programFolder()
  if (!isBuilt()) {
    await mkdir(cacheFolder(process.env), { recursive: true })
    await installOnce(folder, isBuilt, async () => {
      await rm(folder, { recursive: true, force: true })
      const needs = 'versitygw is built with Go 1.25 or later'
      const environment = { GOBIN: join(folder, 'bin'), CGO_ENABLED: '0', GOFLAGS: '-p=1' }
      await run(
        'go',
        ['install', `github.com/versity/versitygw/cmd/versitygw@v${versitygwVersion}`],
        needs,
        environment,
      )
      await writeFile(join(folder, 'complete'), '')
    })
  }
  return join(folder, 'bin', 'versitygw')
}

/** Starts one over `folder`, with a bucket `bucket` and versions kept; it dies with this process. */
export async function startVersitygw(folder: string): Promise<Versitygw> {
  const command = await installVersitygw()
  const port = await getPort({ host: '127.0.0.1' })
  const root = join(folder, 'buckets')
  const versions = join(folder, 'versions')
  await mkdir(join(root, 'bucket'), { recursive: true })
  await mkdir(versions, { recursive: true })
  const [accessKeyId, secretAccessKey] = ['test', 'test']
  const endpointUrl = `http://127.0.0.1:${port}`
  const { stop } = await startServer(
    command,
    ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--versioning-dir', versions, root],
    endpointUrl,
    {
      environment: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
      // It answers a request without a signature with 403.
      isUp: () => true,
    },
  )
  return { endpointUrl, accessKeyId, secretAccessKey, root, stop }
}
