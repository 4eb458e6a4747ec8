/**
 * `npm run fuzz [-- --seconds 60 --target smile --seed 1 --workers 2]`: each decoder against changed blobs of the
 * fixtures. `--seconds` is for all targets together. Exit code 1 where one crashed; the input is then kept.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type FuzzRun, fuzz, keep } from './run.ts'
import { fuzzTargets } from './targets.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    workers: { type: 'string' },
    /** Result file. */
    out: { type: 'string' },
  },
})
const names = values.target ?? Object.keys(fuzzTargets)
const unknown = names.filter(name => fuzzTargets[name] === undefined)
if (unknown.length > 0) {
  console.error(`unknown target ${unknown.join(', ')}; there are: ${Object.keys(fuzzTargets).join(', ')}`)
  process.exit(64)
}
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
const workers = Math.min(names.length, Number(values.workers ?? Math.min(2, availableParallelism())))
const seconds = (Number(values.seconds) * workers) / names.length

console.log(`fuzz: seed ${seed}, ${names.length} targets, ${seconds.toFixed(1)} s each, ${workers} at once`)
const waiting = [...names]
const runs: FuzzRun[] = []
await Promise.all(
  Array.from({ length: workers }, async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const run = await fuzz(name, { seed, seconds })
      runs.push(run)
      const rate = Math.round((run.inputs / run.seconds) * 60)
      console.log(`${name.padEnd(18)} ${run.inputs} inputs, ${run.refused} refused, ${rate} a minute`)
      for (const crash of run.crashes)
        console.log(`CRASH ${name} input ${crash.number}: ${crash.message}\n  kept: ${keep(crash)}`)
    }
  }),
)
const inputs = runs.reduce((sum, run) => sum + run.inputs, 0)
const crashes = runs.flatMap(run => run.crashes)
console.log(`fuzz: ${inputs} inputs, ${crashes.length} crashes, seed ${seed}`)
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify({ seed, inputs, crashes, runs }))
process.exit(crashes.length === 0 ? 0 : 1)
