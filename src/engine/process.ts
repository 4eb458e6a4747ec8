/**
 * A server process in a group of its own, which dies with us.
 *
 * Three nets: `stop` (SIGTERM, grace, SIGKILL to the group); a kill of all groups when this process exits; and the pipe to
 * the child's standard input, whose end tells the child's own watchdog that we were killed without a chance to act.
 */
import { execa } from 'execa'
import type { Clock } from '../time.ts'
import type { Launch } from './launch.ts'

const keptLines = 400
const keptLineLength = 2_000

export interface ServerProcess {
  readonly pid: number | null
  /** Null while it lives; else how it ended, such as `exit code 1` or `signal SIGKILL`. */
  ended(): string | null
  /** Resolves with `ended()` once the process has ended; never rejects. */
  readonly end: Promise<string>
  /** Did we ask it to end? */
  readonly stopping: boolean
  tail(lines: number): string[]
  /** Idempotent; never rejects. Afterwards nothing of the group lives. */
  stop(graceMs: number): Promise<void>
}

/** What is known of a server's life. Of one that somebody else runs: nothing. */
export type Life = Pick<ServerProcess, 'ended' | 'end' | 'stopping' | 'tail'>

/** Groups that still live, by the pid of their leader. */
const livingGroups = new Set<number>()
let exitHandlerRegistered = false

export function startProcess(launch: Launch, clock: Clock): ServerProcess {
  killGroupsAtExit()
  const lines = new LineRing()
  const child = execa(launch.command, launch.args, {
    cwd: launch.cwd,
    env: launch.environment,
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // A group of its own: a Ctrl-C in the terminal reaches us only, and we end the group in order.
    detached: true,
    cleanup: false,
  })
  const pid = child.pid ?? null
  if (pid !== null) livingGroups.add(pid)
  child.stdout.on('data', (chunk: Buffer) => lines.add(chunk))
  child.stderr.on('data', (chunk: Buffer) => lines.add(chunk))
  // The watchdog's pipe: broken once the child is gone, which `end` tells better.
  child.stdin.on('error', () => {})

  let ended: string | null = null
  let stopping = false
  const end = new Promise<string>(resolve => {
    const finish = (how: string) => {
      if (ended !== null) return
      ended = how
      if (pid !== null) {
        // What the leader leaves behind, such as the JVM that the start script's JVM started.
        signalGroup(pid, 'SIGKILL')
        livingGroups.delete(pid)
      }
      resolve(how)
    }
    // 'close' comes after the last output; a grandchild may hold the pipes open, so 'exit' sets a bound.
    child.once('close', (code, signal) => finish(signal === null ? `exit code ${code}` : `signal ${signal}`))
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`
      setTimeout(() => finish(how), 300).unref()
    })
    child.once('error', error => {
      if (child.pid === undefined) finish(`it could not be started: ${error.message}`)
    })
  })
  // With `reject: false` this settles quietly; the events above say the same sooner.
  child.then(
    () => {},
    () => {},
  )

  async function stop(graceMs: number): Promise<void> {
    stopping = true
    if (ended === null && pid !== null) {
      signalGroup(pid, 'SIGTERM')
      const grace = new AbortController()
      await Promise.race([end, clock.sleep(graceMs, grace.signal).catch(() => {})])
      grace.abort()
      if (ended === null) signalGroup(pid, 'SIGKILL')
    }
    await end
    child.stdin.destroy()
  }

  return {
    pid,
    end,
    stop,
    ended: () => ended,
    get stopping() {
      return stopping
    },
    tail: count => lines.last(count),
  }
}

/** The group is killed when this process exits, until the function that is returned has been called. */
export function guardGroup(pid: number): () => void {
  killGroupsAtExit()
  livingGroups.add(pid)
  return () => livingGroups.delete(pid)
}

/** True when the signal was sent; false when no such group lives. */
export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}

function killGroupsAtExit(): void {
  if (exitHandlerRegistered) return
  exitHandlerRegistered = true
  process.on('exit', () => {
    for (const pid of livingGroups) signalGroup(pid, 'SIGKILL')
  })
}

/** The last lines of an output of any length, in bounded memory. */
export class LineRing {
  readonly #lines: string[] = []
  #open = ''

  add(chunk: Buffer): void {
    const parts = (this.#open + chunk.toString('utf8')).split('\n')
    this.#open = (parts.pop() ?? '').slice(0, keptLineLength)
    for (const part of parts) this.#lines.push(part.slice(0, keptLineLength).trimEnd())
    if (this.#lines.length > keptLines) this.#lines.splice(0, this.#lines.length - keptLines)
  }

  last(count: number): string[] {
    const all = this.#open === '' ? this.#lines : [...this.#lines, this.#open]
    return count <= 0 ? [] : all.slice(-count)
  }
}
