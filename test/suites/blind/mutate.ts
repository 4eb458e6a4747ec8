/** The program's source with one detector switched off, in a folder of its own, and what its self-check says then. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import type { SelfCheck } from '../../../src/model/run.ts'
import type { Mutant } from './mutants.ts'

const root = resolve(import.meta.dirname, '../../..')

export interface Copy {
  /** Of the copy: src, package.json, node_modules. */
  readonly folder: string
  /** What the self-check of the mutant says. */
  selfCheckOf(mutant: Mutant | null): Promise<SelfCheck>
  /** Exit code, and what went to stderr, of the mutant's command line. */
  run(
    mutant: Mutant | null,
    args: readonly string[],
  ): Promise<{ readonly code: number | null; readonly stderr: string }>
  close(): void
}

export function copySource(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-blind-'))
  for (const part of ['src', 'config', 'reports/style.css', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const entry = join(folder, 'src', 'selfCheckEntry.ts')
  writeFileSync(
    entry,
    `import { selfCheck } from './run/selfCheck/selfCheck.ts'
import { systemClock } from './time.ts'
const result = await selfCheck(systemClock, new AbortController().signal)
process.stdout.write(JSON.stringify(result))
`,
  )
  async function changed<Value>(mutant: Mutant | null, work: () => Promise<Value>): Promise<Value> {
    if (mutant === null) return await work()
    const path = join(folder, 'src', mutant.file)
    const whole = readFileSync(path, 'utf8')
    writeFileSync(path, switchedOff(whole, mutant))
    try {
      return await work()
    } finally {
      writeFileSync(path, whole)
    }
  }
  return {
    folder,
    selfCheckOf: mutant =>
      changed(mutant, async () => {
        const { stdout, stderr } = await node(folder, [entry])
        if (stdout === '') throw new Error(`${mutant?.file}: ${stderr}`)
        return JSON.parse(stdout)
      }),
    run: (mutant, args) => changed(mutant, () => node(folder, [join(folder, 'src', 'main.ts'), ...args])),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** @throws Error where the text does not stand there exactly once */
export function switchedOff(source: string, { file, from, to }: Mutant): string {
  const found = source.split(from).length - 1
  if (found !== 1) throw new Error(`${file} holds ${JSON.stringify(from)} ${found} times, expected once`)
  return source.replace(from, () => to)
}

function node(cwd: string, args: readonly string[]) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done, fail) => {
    // Our own variables are no configuration, and the program refuses what it does not know.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SNAPPROOF_')))
    const child = spawn(process.execPath, ['--import', 'tsx', ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      texts.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.stderr += text
    })
    child.on('error', fail)
    child.on('close', code => done({ code, ...texts }))
  })
}
