/** The program as it is installed, compiled once: it starts in a third of the time that it takes from its sources. */
import { copyFile, cp, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { execa } from 'execa'
import { sourceVersion } from '../../infra/local/cluster.ts'
import type { RunResult } from '../../src/model/run.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { mustJudgeAlike } from '../support/judgeAlike.ts'
import { processesWith } from '../support/program.ts'
import { mustBeDescribed } from '../support/runSchema.ts'

const root = resolve(import.meta.dirname, '../..')

/** Resolves with the path of `main.js`. */
export async function buildProgram(folder: string): Promise<string> {
  const home = await mkdtemp(join(folder, 'program-'))
  // Types are checked elsewhere.
  const compile = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]
  await execa(process.execPath, [...compile, '--noCheck', '--outDir', join(home, 'dist')], { cwd: root })
  await execa(process.execPath, [join(root, 'infra/local/copy-assets.mjs'), join(home, 'dist')])
  await copyFile(join(root, 'package.json'), join(home, 'package.json'))
  await cp(join(root, 'config'), join(home, 'config'), { recursive: true })
  await mkdir(join(home, 'reports'))
  await copyFile(join(root, 'reports/style.css'), join(home, 'reports/style.css'))
  await symlink(join(root, 'node_modules'), join(home, 'node_modules'))
  return join(home, 'dist/main.js')
}

export interface MachineOptions {
  readonly main: string
  /** What this machine has on its disk; made by the caller. */
  readonly folder: string
  /** Of the store, as this machine reaches it. */
  readonly endpointUrl: string
  /** Holds repository, ledger and output. */
  readonly bucket: string
  /** Folder of a distribution; null: a real server, kind `maven`. */
  readonly engine: string | null
}

export interface Ended {
  /** Null: a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Run {
  readonly ended: Promise<Ended>
  kill(): void
}

/** One machine with its own disk. */
export interface Machine {
  readonly work: string
  readonly ledgerFile: string
  /** `out`: name of the folder for `run.json`. */
  audit(out: string): Run
  /** Any command, with flags besides the configuration. */
  start(command: string, ...flags: readonly string[]): Run
  /** The evidence beside it says the same when it is judged again. */
  runJson(out: string): Promise<RunResult>
  /** Process ids of the servers that work below its work folder. */
  servers(): Promise<number[]>
}

export async function newMachine({ main, folder, endpointUrl, bucket, engine }: MachineOptions): Promise<Machine> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'snapproof.yaml')
  const kind = engine === null ? 'kind: maven, heapMb: 512' : `kind: distribution, home: '${engine}'`
  const store = (prefix: string) => `url: 's3://${bucket}/${prefix}', endpointUrl: '${endpointUrl}'`
  await writeFile(
    file,
    `repository: { name: test, ${store('base')} }
ledger: { ${store('ledger')}, file: ledger.sqlite, leaseSeconds: 10m }
engines: [{ name: elasticsearch, ${kind}, version: ${sourceVersion} }]
output: { folder: runs, ${store('output')} }
work: { folder: work, contents: 1, requests: 4 }
metrics: { enabled: false }
`,
  )
  const work = join(folder, 'work')
  const outOf = (out: string) => join(folder, 'out', out)
  function start(command: string, ...flags: readonly string[]): Run {
    const child = execa(process.execPath, [main, command, '--config', file, ...flags, '--log', 'plain'], {
      extendEnv: false,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
        JAVA_HOME: process.env.JAVA_HOME,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_REGION: 'us-east-1',
      },
      stdin: 'ignore',
      reject: false,
      timeout: 900_000,
    })
    const ended = child.then(({ exitCode, stdout, stderr }) => ({ code: exitCode ?? null, stdout, stderr }))
    return { ended, kill: () => child.kill('SIGKILL') }
  }
  return {
    work,
    ledgerFile: join(folder, 'ledger.sqlite'),
    audit: out => start('audit', '--out', outOf(out)),
    start,
    async runJson(out) {
      const run = parseRun(await readFile(join(outOf(out), 'run.json'), 'utf8'))
      mustBeDescribed(run)
      await mustJudgeAlike(outOf(out), run)
      return run
    },
    servers: () => processesWith(work),
  }
}
