/**
 * Runs a program of the owner's against the throwaway server: bounded in time and output, in a group of its own, which dies with us.
 *
 * It gets the endpoint and the names by which it finds the restored index, and little else of our environment: no credentials.
 */
import { once } from 'node:events'
import { execa } from 'execa'
import { SnapproofError } from '../errors.ts'
import type { CommandEnd, OwnerCommand } from './port.ts'
import { guardGroup, signalGroup } from './process.ts'

/** Of standard output and error together; one that writes more is ended. */
export const maxOutputBytes = 1024 * 1024

const passedOn = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const

/** Of our environment what every program needs, and nothing else. */
export function plainEnvironment(ours: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(passedOn.flatMap(key => (ours[key] === undefined ? [] : [[key, ours[key]]])))
}

/**
 * @throws SnapproofError `owner-command` when it could not be started, took too long, wrote too much or was ended by a signal; the signal's
 * reason when aborted
 */
export async function runOwnerCommand(command: OwnerCommand, endpoint: string): Promise<CommandEnd> {
  const { run, target, environment, timeLimitSeconds, signal } = command
  const [file, ...args] = run
  signal.throwIfAborted()
  const child = execa(file, args, {
    env: {
      ...environment,
      SNAPPROOF_ENDPOINT: endpoint,
      SNAPPROOF_INDEX: target,
    },
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
  })
  const { pid } = child
  const release = pid === undefined ? () => {} : guardGroup(pid)
  const end = () => {
    if (pid !== undefined) signalGroup(pid, 'SIGKILL')
  }
  const chunks: Buffer[] = []
  let size = 0
  let why: string | null = null
  const stop = (reason: string) => {
    why ??= reason
    end()
  }
  const onData = (chunk: Buffer) => {
    if (size <= maxOutputBytes) chunks.push(chunk)
    size += chunk.length
    if (size > maxOutputBytes) stop(`wrote more than ${maxOutputBytes} bytes and was ended`)
  }
  child.stdout.on('data', onData)
  child.stderr.on('data', onData)
  const timer = setTimeout(
    () => stop(`did not end within ${timeLimitSeconds} s and was ended`),
    timeLimitSeconds * 1000,
  )
  const onAbort = () => stop('was interrupted')
  signal.addEventListener('abort', onAbort, { once: true })
  const named = `the command ${JSON.stringify(file)}`
  try {
    const failed = once(child, 'error').then(([error]: unknown[]) => ({ error }))
    const ended = once(child, 'exit').then(([code, by]: unknown[]) => ({ code, by }))
    ended.catch(() => {})
    failed.catch(() => {})
    child.catch(() => {})
    const outcome = pid === undefined ? await failed : await ended
    if ('error' in outcome)
      throw new SnapproofError('owner-command', `${named} could not be started`, { cause: outcome.error })
    // What it left behind would hold its pipes open, and live on.
    end()
    await Promise.allSettled([drained(child.stdout), drained(child.stderr)])
    signal.throwIfAborted()
    const output = Buffer.concat(chunks).subarray(0, maxOutputBytes).toString('utf8')
    const said = output.trim() === '' ? '' : `; it said last: ${output.trim().slice(-300)}`
    if (why !== null) throw new SnapproofError('owner-command', `${named} ${why}${said}`)
    if (typeof outcome.code !== 'number')
      throw new SnapproofError('owner-command', `${named} was ended by ${outcome.by}${said}`)
    return { exitCode: outcome.code, output }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    end()
    release()
  }
}

const drainMs = 2_000

/** The last output comes after the end; a grandchild of another group may hold the pipe open. */
async function drained(stream: NodeJS.ReadableStream): Promise<void> {
  if ('readableEnded' in stream && stream.readableEnded === true) return
  const bound = new AbortController()
  const timer = setTimeout(() => bound.abort(), drainMs)
  try {
    await once(stream, 'close', { signal: bound.signal })
  } finally {
    clearTimeout(timer)
  }
}
