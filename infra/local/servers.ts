/** What the stand-ins of other makers have in common: installed once into the cache, started, waited for, killed with us. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

export interface RunningServer {
  /** Kills it. Idempotent. */
  stop(): Promise<void>
}

/**
 * Starts a server that dies with this process, and waits until `url` is answered by `isUp`.
 *
 * @throws Error with the last lines of its log when that does not happen within 60 s
 */
export async function startServer(
  command: string,
  args: readonly string[],
  url: string,
  options: {
    readonly environment?: Readonly<Record<string, string>>
    /** @default a status of success */
    readonly isUp?: (response: Response) => boolean
  } = {},
): Promise<RunningServer> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  })
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
  const ended = exit(child)
  const stop = async () => {
    kill()
    await ended
    process.removeListener('exit', kill)
  }
  try {
    await answers(url, child, options.isUp ?? (response => response.ok))
  } catch (error) {
    await stop()
    throw new Error(`${command} did not start:\n${log}`, { cause: error })
  }
  return { stop }
}

async function answers(url: string, child: ChildProcess, isUp: (response: Response) => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    const up = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(isUp, () => false)
    if (up) return
    if (performance.now() > deadline) throw new Error('it did not answer within 60 s')
    await delay(100)
  }
}

/** Runs `install` unless `isDone`, under a lock that is a folder; a lock older than ten minutes was left behind. */
export async function installOnce(folder: string, isDone: () => boolean, install: () => Promise<void>): Promise<void> {
  const lock = `${folder}.lock`
  await takeLock(lock, isDone)
  try {
    if (!isDone()) await install()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

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

/** @throws Error with its last lines when it does not end well; `needs` completes "cannot be started; " */
export async function run(
  command: string,
  args: readonly string[],
  needs: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const env = { ...process.env, ...environment }
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 900_000, env })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-2_000)
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', error => reject(new Error(`${command} cannot be started; ${needs}`, { cause: error })))
  })
  const code = await Promise.race([exit(child), failed])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${log}`)
}

function exit(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    child.once('close', code => resolve(code))
  })
}
