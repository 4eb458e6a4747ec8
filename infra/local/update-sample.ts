/**
 * Draws the committed sample again: `npx tsx infra/local/update-sample.ts` after a change of the report or its style.
 * `reports/sample/run.json` is the source; it is only brought into the form in which a run writes it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { renderReport } from '../../src/report/render.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'

const folder = new URL('../../reports/', import.meta.url)
const runFile = new URL('sample/run.json', folder)
const run = parseRun(await readFile(runFile, 'utf8'))
await writeFile(runFile, serializeRun(run))
await writeFile(
  new URL('sample/report.html', folder),
  renderReport(run, await readFile(new URL('style.css', folder), 'utf8')),
)
console.log('reports/sample/report.html is drawn from reports/sample/run.json')
