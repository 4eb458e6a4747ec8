/**
 * moto, the AWS stand-in for tests of wire shapes: installed once into a cache outside the tree, started on a free port.
 * It keeps everything in memory and checks no credentials.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import getPort from 'get-port'

export const motoVersion = '5.2.5'

export interface Moto {
  /** For `endpointUrl` of S3 and CloudWatch clients alike. */
  readonly endpointUrl: string
  readonly port: number
  /** Forgets everything that was made. */
  reset(): Promise<void>
  /** Kills it. Idempotent. */
  stop(): Promise<void>
}

/** Installs moto unless the cache has it. Resolves with the path of `moto_server`. */
export async function installMoto(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'snapproof')
  const folder = join(cache, `moto-${motoVersion}`)
  const server = join(folder, 'bin', 'moto_server')
  if (existsSync(join(folder, 'complete'))) return server
  await mkdir(cache, { recursive: true })
  // A virtual environment holds its own path, so it is built in place, under a lock that is a folder.
  const lock = `${folder}.lock`
  await takeLock(lock, () => existsSync(join(folder, 'complete')))
  try {
    if (existsSync(join(folder, 'complete'))) return server
    await rm(folder, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', folder])
    await run(join(folder, 'bin', 'pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      `moto[server]==${motoVersion}`,
    ])
    await writeFile(join(folder, 'complete'), '')
    return server
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

/**
 * Starts a server of its own; it dies with this process.
 *
 * @throws Error with the last lines of its log when it does not answer within 60 s
 */
export async function ensureMoto(): Promise<Moto> {
  const command = await installMoto()
  const port = await getPort({ host: '127.0.0.1' })
  const child = spawn(command, ['-H', '127.0.0.1', '-p', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => {
    child.kill('SIGKILL')
  }
  process.once('exit', kill)
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000)
    })
  }
  const endpointUrl = `http://127.0.0.1:${port}`
  const ended = exit(child)
  const stop = async () => {
    kill()
    await ended
    process.removeListener('exit', kill)
  }
  try {
    await answers(`${endpointUrl}/moto-api/data.json`, child)
  } catch (error) {
    await stop()
    throw new Error(`moto did not start:\n${log}`, { cause: error })
  }
  return {
    endpointUrl,
    port,
    async reset() {
      const response = await fetch(`${endpointUrl}/moto-api/reset`, {
        method: 'POST',
        signal: AbortSignal.timeout(10_000),
      })
      if (!response.ok) throw new Error(`moto did not reset: ${response.status}`)
    },
    stop,
  }
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    const up = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      response => response.ok,
      () => false,
    )
    if (up) return
    if (performance.now() > deadline) throw new Error('it did not answer within 60 s')
    await delay(100)
  }
}

/** Waits for another process that installs; a lock older than ten minutes was left behind. */
async function takeLock(lock: string, isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + 600_000
  for (;;) {
    try {
      await mkdir(lock)
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    }
    if (isDone()) return
    if (performance.now() > deadline) {
      const aside = await mkdtemp(`${lock}-stale-`)
      await rename(lock, aside).catch(() => {})
      await rm(aside, { recursive: true, force: true })
    }
    await delay(500)
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 600_000 })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-2_000)
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', error =>
      reject(new Error(`${command} cannot be started; moto needs Python 3.9 or later with venv`, { cause: error })),
    )
  })
  const code = await Promise.race([exit(child), failed])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${log}`)
}

function exit(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    child.once('close', code => resolve(code))
  })
}
