/**
 * `npm run test:all [-- NAME…] [--seed N] [--case FIXTURE/NUMBER]`: the counts that `npm test` samples, in full and with
 * rotating seeds. Parts: damage, healthy, fuzz, scale, faults, kills, races, blind. Each writes reports/test-all/<part>.json, to be committed with the
 * commit that it belongs to. Ends with 1 where a part failed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'snapproof-test-all-'))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Absent: another one each time. */
    seed: { type: 'string' },
    /** One damage, as a failure names it. */
    case: { type: 'string' },
    /** Rounds of `healthy` and `races`. */
    rounds: { type: 'string', default: '100' },
    /** Kills of `kills`, and besides them: how many chains of three on a real server, how many arrays. */
    kills: { type: 'string', default: '200' },
    real: { type: 'string', default: '3' },
    arrays: { type: 'string', default: '20' },
    /** Every so many calls of `faults`; 1: each. */
    stride: { type: 'string', default: '1' },
    /** Of `fuzz`. */
    seconds: { type: 'string', default: '600' },
  },
})
const seed = Number(values.seed ?? Date.now() % 2 ** 31)

interface Outcome {
  readonly passed: boolean
  /** What the result file says besides seed, duration and version. */
  readonly result: unknown
}

/** Null: there is nothing to run. */
const parts: Readonly<Record<string, () => Promise<Outcome | null>>> = {
  damage: async () => {
    const file = join(scratch, 'damage.json')
    const environment = {
      SNAPPROOF_SEED: String(seed),
      SNAPPROOF_DAMAGE_RESULT: file,
      ...(values.case === undefined ? {} : { SNAPPROOF_DAMAGE_CASE: values.case }),
    }
    const passed = await vitest(['--project', 'unit', 'test/run/damage.test.ts'], environment)
    return { passed, result: resultOf(file) }
  },
  healthy: async () => {
    const rounds = Number(values.rounds)
    const passed = await vitest(['--project', 'integration', 'test/integration/check-while-written.test.ts'], {
      SNAPPROOF_HEALTHY_ROUNDS: String(rounds),
    })
    return { passed, result: { rounds } }
  },
  fuzz: async () => {
    const file = join(scratch, 'fuzz.json')
    const fuzz = join(root, 'infra/local/fuzz/main.ts')
    const options = ['--seconds', values.seconds, '--seed', String(seed), '--out', file]
    const passed = await run(process.execPath, ['--import', 'tsx', fuzz, ...options])
    return { passed, result: resultOf(file) }
  },
  faults: async () => {
    const environment = { SNAPPROOF_FAULTS_STRIDE: values.stride }
    const ports = await suite('test/suites/faults.test.ts', 'FAULTS', environment)
    const wire = await suite('test/suites/wire.test.ts', 'WIRE', environment)
    return { passed: ports.passed && wire.passed, result: { ports: ports.result, wire: wire.result } }
  },
  kills: () =>
    suite('test/integration/kills.test.ts', 'KILLS', {
      SNAPPROOF_SEED: String(seed),
      SNAPPROOF_KILLS: values.kills,
      SNAPPROOF_KILLS_REAL: values.real,
      SNAPPROOF_KILLS_ARRAYS: values.arrays,
    }),
  /** Each detector switched off, one at a time: the self-check must notice. */
  blind: () => suite('test/suites/blind.test.ts', 'BLIND', {}),
  races: () => suite('test/integration/races.test.ts', 'RACES', { SNAPPROOF_RACES: values.rounds }),
  scale: async () => {
    const bench = join(root, 'infra/bench/main.ts')
    if (!existsSync(bench)) return null
    const passed = await run(process.execPath, ['--import', 'tsx', bench, 'check'])
    return { passed, result: null }
  },
}

/** A test file that writes what it counted to SNAPPROOF_<NAME>_RESULT. */
async function suite(test: string, name: string, environment: Readonly<Record<string, string>>): Promise<Outcome> {
  const file = join(scratch, `${name}.json`)
  const passed = await vitest(['--project', 'integration', test], {
    ...environment,
    [`SNAPPROOF_${name}_RESULT`]: file,
  })
  return { passed, result: resultOf(file) }
}

const children = new Set<ChildProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill('SIGTERM')
    process.exit(1)
  })
}
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const unknown = positionals.filter(name => parts[name] === undefined)
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}; there are: ${Object.keys(parts).join(', ')}`)
  process.exit(64)
}
const failures: string[] = []
for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
  const startedMs = Date.now()
  console.log(`== ${name}, seed ${seed}`)
  const outcome = (await parts[name]?.()) ?? null
  if (outcome === null) {
    console.log(`SKIPPED: ${name}: there is nothing to run yet`)
    continue
  }
  const seconds = Math.round((Date.now() - startedMs) / 1000)
  if (!outcome.passed) failures.push(name)
  // A single case is a look at one failure, not a result.
  if (values.case === undefined) write(name, { ...outcome, seconds })
  console.log(`== ${name}: ${outcome.passed ? 'passed' : 'FAILED'} in ${seconds} s`)
}
console.log(failures.length === 0 ? 'all passed' : `FAILED: ${failures.join(', ')}`)
process.exit(failures.length === 0 ? 0 : 1)

function write(name: string, { passed, result, seconds }: Outcome & { readonly seconds: number }): void {
  const folder = join(root, 'reports/test-all')
  mkdirSync(folder, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const file = { part: name, passed, seed, seconds, version, node: process.versions.node, result }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(file, null, 2)}\n`)
}

function resultOf(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

function vitest(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<boolean> {
  return run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], environment)
}

function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  return new Promise(done => {
    const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } })
    children.add(child)
    child.on('error', error => console.error(error.message))
    child.on('close', code => {
      children.delete(child)
      done(code === 0)
    })
  })
}
