/**
 * Runs an array here as Step Functions and AWS Batch run one: `plan`, then each child as a process of its own that knows its number by
 * AWS_BATCH_JOB_ARRAY_INDEX and is tried again when it fails, then `collect`, whatever became of the children.
 */
import { join, resolve } from 'node:path'
import process from 'node:process'
import { execa } from 'execa'

const root = resolve(import.meta.dirname, '..', '..', '..')

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** As a machine that is taken away: nothing can be said any more. */
  kill(): void
}

export interface BatchOptions {
  /** Configuration file. */
  readonly config: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted: every process is killed. */
  readonly signal: AbortSignal
}

/** One process of the real program. */
export function start(
  args: readonly string[],
  { config, environment, signal }: BatchOptions,
  more: Readonly<Record<string, string>> = {},
): Started {
  const program = ['--import', 'tsx', join(root, 'src', 'main.ts'), ...args, '--config', config, '--log', 'plain']
  const child = execa(process.execPath, program, {
    cwd: root,
    extendEnv: false,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment, ...more },
    stdin: 'ignore',
    cancelSignal: signal,
    forceKillAfterDelay: 15_000,
    reject: false,
    maxBuffer: 10_000_000,
  })
  return {
    pid: child.pid ?? 0,
    ended: child.then(({ exitCode, stdout, stderr }) => ({ code: exitCode ?? null, stdout, stderr })),
    kill: () => child.kill('SIGKILL'),
  }
}

/** What `plan --children --json` says, as far as a job queue needs it. */
export interface Planned {
  readonly url: string
  readonly runId: string
  readonly children: number
  readonly contents: number
  readonly forecast: { readonly seconds: number }
}

/** @throws Error when it ended with another code than 0 */
export async function plan(options: BatchOptions, children: number, more: readonly string[] = []): Promise<Planned> {
  const { code, stdout, stderr } = await start(['plan', '--children', String(children), '--json', ...more], options)
    .ended
  options.signal.throwIfAborted()
  if (code !== 0) throw new Error(`plan ended with ${code}:\n${stderr}`)
  return JSON.parse(stdout) as Planned
}

/** One attempt of one child. */
export function work(options: BatchOptions, url: string, child: number, attempt: number): Started {
  return start(['work', '--plan', url, '--json'], options, {
    AWS_BATCH_JOB_ARRAY_INDEX: String(child),
    AWS_BATCH_JOB_ATTEMPT: String(attempt),
  })
}

export interface ArrayRun {
  readonly children: number
  /** Tried so often at most. */
  readonly attempts: number
  /** Children that run at once. */
  readonly machines: number
  /** Told of every attempt as it begins. */
  readonly onStart?: (child: number, attempt: number, started: Started) => void
}

/** The last attempt of each child, by its number. */
export async function workOff(options: BatchOptions, url: string, run: ArrayRun): Promise<Ended[]> {
  const results: Ended[] = []
  const waiting = Array.from({ length: run.children }, (_, child) => child)
  const machine = async (): Promise<void> => {
    for (let child = waiting.shift(); child !== undefined; child = waiting.shift()) {
      for (let attempt = 1; attempt <= run.attempts; attempt++) {
        options.signal.throwIfAborted()
        const started = work(options, url, child, attempt)
        run.onStart?.(child, attempt, started)
        const ended = await started.ended
        results[child] = ended
        if (ended.code === 0) break
      }
    }
  }
  await Promise.all(Array.from({ length: run.machines }, machine))
  return results
}

/** `out`: folder for the report. */
export function collect(options: BatchOptions, url: string, out: string): Started {
  return start(['collect', '--plan', url, '--out', out], options)
}
