/** The real program as a process of its own, as a schedule starts it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { sourceVersion } from '../../infra/local/cluster.ts'

const root = resolve(import.meta.dirname, '../..')

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** Resolves once the text is on stderr; throws with all of it when the program ends before. */
  says(text: RegExp): Promise<void>
  /** What is on stderr so far. */
  told(): string
  kill(signal: NodeJS.Signals): void
}

/** No home, no credentials and no configuration of the person who runs the tests reach it. */
export function startProgram(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const child = execa(process.execPath, ['--import', 'tsx', join(root, 'src/main.ts'), ...args, '--log', 'plain'], {
    cwd: root,
    extendEnv: false,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
      ...environment,
    },
    stdin: 'ignore',
    buffer: false,
    reject: false,
    timeout: 200_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const ended = child.then(({ exitCode }) => ({ code: exitCode ?? null, stdout, stderr }))
  return {
    pid: child.pid ?? 0,
    ended,
    kill: signal => child.kill(signal),
    told: () => stderr,
    async says(text) {
      let over = false
      ended.then(() => {
        over = true
      })
      while (!text.test(stderr)) {
        if (over) throw new Error(`the program ended and never said ${text}:\n${stderr}`)
        await delay(20)
      }
    },
  }
}

export function runProgram(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended> {
  return startProgram(args, environment).ended
}

export interface Setup {
  /** @default test */
  readonly name?: string
  readonly repository: string
  readonly endpointUrl?: string
  /** Ledger URL; absent: `sync: none`. */
  readonly ledger?: string
  readonly ledgerEndpointUrl?: string
  /** One engine, as YAML; absent: a real server. */
  readonly engine?: string
  /** More lines of YAML at the top level. */
  readonly more?: string
}

/** Writes `snapproof.yaml` into the folder, as a user would; everything that a run leaves lies below it. */
export async function writeSetup(folder: string, setup: Setup): Promise<string> {
  const endpoint = (url: string | undefined) => (url === undefined ? '' : `\n  endpointUrl: ${url}`)
  const ledger = setup.ledger === undefined ? 'sync: none' : `url: ${setup.ledger}${endpoint(setup.ledgerEndpointUrl)}`
  const text = `repository:
  name: ${setup.name ?? 'test'}
  url: ${setup.repository}${endpoint(setup.endpointUrl)}
ledger:
  ${ledger}
  file: ledger.sqlite
  leaseSeconds: 10s
engines:
  - ${setup.engine ?? `{ name: elasticsearch, kind: maven, version: ${sourceVersion}, heapMb: 512 }`}
output: { folder: runs }
work: { folder: work, contents: 1 }
${setup.more ?? 'metrics: { enabled: false }'}
`
  const file = join(folder, 'snapproof.yaml')
  await writeFile(file, text)
  return file
}

/** Ids of the processes whose command line holds the text. Linux. */
export async function processesWith(text: string): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(text)) found.push(Number(name))
  }
  return found
}

/** Resolves once no such process lives; throws with their ids after 20 s. */
export async function noneLeftWith(text: string): Promise<void> {
  for (let round = 0; ; round++) {
    const left = await processesWith(text)
    if (left.length === 0) return
    if (round === 100) throw new Error(`processes ${left.join(', ')} still live`)
    await delay(200)
  }
}
