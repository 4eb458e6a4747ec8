/**
 * `test/bench/README.md` and its plots, drawn from the kept results: `npm run bench -- … --save` draws it, `npm run bench:page` draws it again.
 * `notes.md` is written by hand and stands at the end.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { growthPlot, ratioPlot } from './plots.ts'
import type { BenchResult } from './result.ts'
import { exponentOf, isGrowing, type KeptResult, shown, sizeOf, type Told, tellResults } from './told.ts'

export const benchFolder = join(import.meta.dirname, '..', '..', 'test', 'bench')

/** What each compares, and what it does not. */
const compared: Readonly<Record<string, readonly [string, string]>> = {
  'catchup-bytes-vs-naive': ['bytes that S3 sent, ours ÷ each snapshot restored whole', 'requests, which cost too'],
  'catchup-bytes-vs-unique': ['bytes that S3 sent ÷ bytes of all data blobs', 'metadata is in the first only'],
  'catchup-time-vs-naive': [
    'first night ÷ restoring each snapshot whole, both over 1 Gbit/s, the other tuned',
    'a service far away: latency here is that of one machine',
  ],
  'catchup-time-vs-default': ['the same, the other at the server’s default throttle of 40 MB/s', 'one round'],
  'catchup-time-vs-naive-local': ['the same from a disk without a throttle', 'a disk that others use'],
  'chains-read-chained-vs-each-once': ['bytes that chained restores read ÷ bytes of all data blobs', 'one index'],
  'steady-night-5000-vs-50': ['GET and HEAD of a night with nothing new', 'LIST, index-N, growth of shard generations'],
  'steady-night-5000-vs-50-bytes': ['bytes of the same', 'the same'],
  'list-requests-vs-limit': ['LIST ÷ 1.05 × keys ÷ 1,000, the worst night', 'HEAD: none is sent'],
  'presence-requests-vs-limit': ['GET ÷ 1.05 × metadata blobs never read before, the worst night', ''],
  'memory-10m-blobs-mib': ['peak of the whole process, Node included', ''],
  'ledger-bytes-per-blob': ['ledger after every byte was proven ÷ data blobs', ''],
  'byteproof-vs-get': ['check --level bytes ÷ GET of the same objects, 16 at once', 'the start of the process'],
  'byteproof-vs-restic-check': [
    'check --level bytes ÷ restic check --read-data of the same files, from a disk',
    'restic decrypts, too, and its start counts',
  ],
  'decode-vs-json-parse': ['processor time of our decoder ÷ JSON.parse of the same index-N', 'parse checks nothing'],
  'inspect-vs-status': ['inspect --jsonl ÷ a server’s _all and _status of all snapshots', 'the start of both'],
  'report-render-5000': ['seconds to draw the report of 5,000 snapshots', 'writing it'],
  'verify-vs-curator': [
    'verify on a running cluster ÷ elasticsearch-curator: restore, wait, delete; starts of both count',
    'curator reads no checksum, counts nothing, keeps nothing',
  ],
}

export function drawPage(): void {
  const told = tellResults(keptResults())
  const notes = join(benchFolder, 'notes.md')
  writeFileSync(
    join(benchFolder, 'ratios.svg'),
    ratioPlot(told.filter(one => one.unit === 'ratio' && one.id in compared)),
  )
  writeFileSync(join(benchFolder, 'growth.svg'), growthPlot(told.filter(isGrowing)))
  writeFileSync(join(benchFolder, 'README.md'), pageOf(told, existsSync(notes) ? readFileSync(notes, 'utf8') : ''))
}

function keptResults(): readonly KeptResult[] {
  const folder = join(benchFolder, 'results')
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => ({
      result: JSON.parse(readFileSync(join(folder, name), 'utf8')) as BenchResult,
      time: name.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d).*$/, '$1-$2-$3 $4:$5'),
    }))
}

function pageOf(told: readonly Told[], notes: string): string {
  const chief = Object.keys(compared).flatMap(id => told.find(one => one.id === id) ?? [])
  const rows = chief.map(({ id, value, least, greatest, unit, goal, scale, time, commit }) => {
    const spread = least === null || greatest === null ? '' : ` (${shown(least, unit)}–${shown(greatest, unit)})`
    const held = goal === null ? '' : `${shown(goal, unit)} ${value <= goal ? 'reached' : '**missed**'}`
    const [what, not] = compared[id] ?? ['', '']
    return `| \`${id}\` | ${shown(value, unit)}${spread} | ${held} | ${sizeOf(scale)} | ${what} | ${not} | ${time}, ${commit} |`
  })
  const growing = told.filter(isGrowing).map(({ id, unit, sizes }) => {
    const values = sizes.map(({ scale, value }) => `${sizeOf(scale)}: ${shown(value, unit)}`).join(', ')
    return `| \`${id}\` | ${values} | ${exponentOf(sizes)?.toFixed(2) ?? ''} |`
  })
  return `<!-- Drawn by infra/bench/page.ts from results/ and notes.md. -->
# Measured

Ratios of one run on one machine; below 1 is less than the other. \`npm run bench\` measures, \`--save\` keeps the result here. How each is measured: [infra/bench](../../infra/bench/README.md).

![Ratios and their goals](ratios.svg)

| measure | in the middle (least–greatest) | goal, at most | size | what it compares | what it does not | measured, commit |
| --- | --: | --: | --- | --- | --- | --- |
${rows.join('\n')}

## As work grows

Exponent: 0 is flat, 1 grows as the size does.

![Values by size](growth.svg)

| measure | by size | exponent |
| --- | --- | --: |
${growing.join('\n')}

${notes.trim()}
`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) drawPage()
