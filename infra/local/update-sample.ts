/**
 * Draws the committed sample again: `npx tsx infra/local/update-sample.ts` after a change of the report or its style.
 * `reports/sample/run.json` is the source; it is only brought into the form in which a run writes it. The picture is what a browser shows
 * first, where there is one.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { renderReport } from '../../src/report/render.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { chromiumFlags, ensureChromium } from './chromium.ts'

const folder = new URL('../../reports/', import.meta.url)
const runFile = new URL('sample/run.json', folder)
const run = parseRun(await readFile(runFile, 'utf8'))
await writeFile(runFile, serializeRun(run))
await writeFile(
  new URL('sample/report.html', folder),
  renderReport(run, await readFile(new URL('style.css', folder), 'utf8')),
)
const executablePath = await ensureChromium()
if (executablePath !== null) {
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] })
  const page = await browser.newPage({ viewport: { width: 1280, height: 1340 } })
  await page.goto(new URL('sample/report.html', folder).href)
  await page.screenshot({ path: fileURLToPath(new URL('sample/report.png', folder)) })
  await browser.close()
}
console.log('reports/sample/report.html is drawn from reports/sample/run.json')
