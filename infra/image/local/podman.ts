/**
 * podman and runc as an engine for the tests of the image: no daemon, and a store of its own in the cache, so that nothing of
 * the machine's containers is touched.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { cacheFolder } from '../../../src/config/cache.ts'
import { findCommand } from '../../../src/engine/jdk.ts'

export interface Ended {
  /** Null: it did not end by itself within its time. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** @default 2 minutes */
  readonly timeoutMs?: number
  readonly cwd?: string
}

export interface Started {
  /** Never rejects. */
  readonly ended: Promise<Ended>
  /** Resolves once the text is on standard error; throws with all of it when podman ends before. */
  says(text: RegExp): Promise<void>
}

export interface Podman {
  start(args: readonly string[], options?: RunOptions): Started
  /** Runs podman to its end, whatever that is. */
  tell(args: readonly string[], options?: RunOptions): Promise<Ended>
  /** Its standard output. @throws Error with its last words where it does not end with 0 */
  ask(args: readonly string[], options?: RunOptions): Promise<string>
  /** Removes containers of ours whose maker has ended. */
  sweep(): Promise<void>
}

/** Label of our containers: the process that made them. */
const ownerLabel = 'snapproof.owner'

/** Arguments of `podman run` for everything that we start: gone at its end, dead after its time even without us. */
export function containerArguments(name: string, seconds: number): string[] {
  const own = ['--name', name, '--label', `${ownerLabel}=${process.pid}`]
  // An older podman looks for systemd even where an image wants no health check.
  return ['run', '--rm', '--no-healthcheck', ...own, '--timeout', String(seconds)]
}

/** Of each stream. */
const keptCharacters = 5_000_000

/** runc, because crun refuses limits and hybrid control groups of some machines; cgroupfs, because there may be no systemd. */
const configuration = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=2048:2048"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
`

/** The engine, or in one sentence why there is none. Nothing is installed here: .ci/run does that. */
export async function findPodman(): Promise<Podman | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the local base images are for Linux on x86-64'
  if (process.getuid?.() !== 0) return 'only root may run containers here'
  for (const command of ['podman', 'runc', 'debootstrap', 'tar']) {
    if ((await findCommand(command, process.env)) === null) return `the command ${command} is not on the PATH`
  }
  const folder = join(cacheFolder(process.env), 'containers')
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'containers.conf')
  if (!existsSync(file)) await writeFile(file, configuration)
  // Overlay does not lie on overlay: inside another container the files are copied.
  const failures: string[] = []
  for (const driver of ['overlay', 'vfs']) {
    const podman = openPodman(folder, file, driver)
    const { code, stderr } = await podman.tell(['info'])
    if (code === 0) return podman
    failures.push(`${driver}: ${lastWords(stderr)}`)
  }
  return `podman does not work here: ${failures.join('; ')}`
}

function openPodman(folder: string, configurationFile: string, driver: string): Podman {
  const store = join(folder, driver)
  const own = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', driver]

  function start(args: readonly string[], { timeoutMs = 120_000, cwd }: RunOptions = {}): Started {
    const child = execa('podman', [...own, ...args], {
      env: { CONTAINERS_CONF: configurationFile },
      stdin: 'ignore',
      buffer: false,
      reject: false,
      timeout: timeoutMs,
      forceKillAfterDelay: 10_000,
      ...(cwd === undefined ? {} : { cwd }),
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        output[name] = (output[name] + chunk.toString()).slice(-keptCharacters)
      })
    }
    let over = false
    const ended = child.then(({ exitCode, timedOut }) => {
      over = true
      return { code: timedOut ? null : (exitCode ?? null), ...output }
    })
    return {
      ended,
      async says(text) {
        while (!text.test(output.stderr)) {
          if (over) throw new Error(`podman ended and never said ${text}:\n${lastWords(output.stderr)}`)
          await delay(50)
        }
      },
    }
  }

  const tell = (args: readonly string[], options?: RunOptions) => start(args, options).ended

  async function ask(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await tell(args, options)
    if (code === 0) return stdout
    throw new Error(`podman ${args.join(' ')} ended with ${code ?? 'its time'}: ${lastWords(`${stdout}\n${stderr}`)}`)
  }

  async function sweep(): Promise<void> {
    const list = await ask(['ps', '--all', '--format', `{{.ID}} {{index .Labels "${ownerLabel}"}}`])
    for (const line of list.split('\n').filter(text => text !== '')) {
      const [id = '', owner = ''] = line.split(' ')
      if (owner !== '' && !existsSync(`/proc/${owner}`)) await ask(['rm', '--force', '--time', '0', id])
    }
  }

  return { start, tell, ask, sweep }
}

function lastWords(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n')
}
