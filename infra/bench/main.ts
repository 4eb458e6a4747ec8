/**
 * `npm run bench -- NAME… [--scale 1/20 | --quick] [--json] [--save] [--profile FOLDER]`: measures against the numbers that the design asks for. Names: `catchup`, `chains`
 * (a month's restores, on a real server), `check` (nights of generated repositories; hours at full size), `curator` (one snapshot, beside elasticsearch-curator), `index-n`, `inspect`, `ledger` (its size after a year), `plan` (of an array), `reading` (every byte, beside GET and restic; sizes, beside a server), `report`
 * (drawn), `rules` (judged in a steady night). Without a name: all. Exit code 1 when a
 * target is missed.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, platform, release, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { benchCatchup } from './catchup.ts'
import { benchChains } from './chains.ts'
import { benchCheck } from './check.ts'
import { benchCurator } from './curator.ts'
import { benchIndexN, benchInspect } from './index-n.ts'
import { benchLedger } from './ledger.ts'
import { benchFolder, drawPage } from './page.ts'
import { benchPlan } from './plan.ts'
import { benchReading } from './reading.ts'
import { benchReport } from './report.ts'
import { type BenchResult, isReached, type Measurement, measuresOf, tableOf } from './result.ts'
import { benchRules } from './rules.ts'

type Bench = (scale: number, say: (text: string) => void, isQuick: boolean) => Promise<Measurement[]>
const benches: ReadonlyMap<string, Bench> = new Map([
  ['catchup', benchCatchup],
  ['chains', benchChains],
  ['check', benchCheck],
  ['curator', benchCurator],
  ['index-n', benchIndexN],
  ['inspect', benchInspect],
  ['ledger', benchLedger],
  ['plan', benchPlan],
  ['reading', benchReading],
  ['report', benchReport],
  ['rules', benchRules],
])

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string' },
    /** Minutes in the place of hours: a thirty-second of the size, every pair once. Tells that it works, and the order of magnitude. */
    quick: { type: 'boolean', default: false },
    /** Folder that gets a `.cpuprofile` of each measuring process; its times are slower then. */
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    /** Keeps the result in test/bench/results. */
    save: { type: 'boolean', default: false },
  },
})
const scale = scaleOf(values.scale ?? (values.quick ? '1/32' : '1'))
const names = positionals.length === 0 ? [...benches.keys()] : positionals
const unknown = names.filter(name => !benches.has(name))
if (scale === null || unknown.length > 0) {
  console.error(
    `usage: bench [${[...benches.keys()].join('|')}]… [--scale 1/20 | --quick] [--json] [--save] [--profile FOLDER]`,
  )
  process.exit(64)
}
if (values.profile !== undefined) process.env['SNAPPROOF_BENCH_PROFILE'] = resolve(values.profile)
const found: (Measurement & { readonly bench: string; readonly reached: boolean })[] = []
for (const name of names) {
  const rows = (await benches.get(name)?.(scale, text => console.error(`${name}: ${text}`), values.quick)) ?? []
  found.push(...rows.map(row => ({ bench: name, ...row, reached: isReached(row) })))
}
if (values.save) save(resultOf(found))
if (values.json) console.log(JSON.stringify(resultOf(found)))
else console.log(tableOf(found))
process.exitCode = found.every(row => row.reached) ? 0 : 1

function resultOf(rows: typeof found): BenchResult {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', timeout: 10_000 }).trim()
  let commit: string | null = null
  try {
    commit = `${git('rev-parse', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`
  } catch {
    // Not a clone: there is no commit to name.
  }
  const machine = {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
  }
  return { machine, commit, scale: scale ?? 1, measures: measuresOf(rows) }
}

/** One file for each run, named after its time and commit; `test/bench/README.md` says what they are. */
function save(result: BenchResult): void {
  const folder = join(benchFolder, 'results')
  mkdirSync(folder, { recursive: true })
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const name = `${time}-${result.commit?.slice(0, 7) ?? 'no-commit'}.json`
  writeFileSync(join(folder, name), `${JSON.stringify(result, null, 2)}\n`)
  drawPage()
  console.error(`kept: test/bench/results/${name}; test/bench/README.md is drawn`)
}

/** `1/20`, `0.05`, `1`; null for anything else. */
function scaleOf(text: string): number | null {
  const [, over = '', under = '1'] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text) ?? []
  const scale = Number(over) / Number(under)
  return over !== '' && scale > 0 && scale <= 1 ? scale : null
}
