/**
 * The pages for an auditor, as axe-core sees them: WCAG 2.1 A and AA, in light and dark. Pictures of each, in light, dark, on paper and on a
 * phone, lie in `test/output/pictures` afterwards.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumFlags, ensureChromium } from '../../infra/local/chromium.ts'
import { renderIndex } from '../../src/report/indexPage.ts'
import { renderPeriod } from '../../src/report/period/page.ts'
import { renderReport } from '../../src/report/render.ts'
import { type RunsIndex, withRun } from '../../src/report/runsIndex.ts'
import { everyNight, ledgerOf, night, nightRun, tell } from '../report/period/support.ts'
import { goodRun, hostileRun, sampleRun, style } from '../support/runs.ts'

const executablePath = await ensureChromium()
if (executablePath === null) console.warn('SKIPPED: axe looked at no report: there is no browser')

const folder = join(import.meta.dirname, '../output/pictures')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

const nights = everyNight.filter(day => day !== 11)
const period = tell({
  file: ledgerOf(nights.flatMap(day => night(day, day === 20 ? { failed: 1, exitCode: 1 } : {}))),
  runs: nights.map(day =>
    day === 20 ? nightRun(day, { findings: sampleRun().findings, exit: sampleRun().exit }) : nightRun(day),
  ),
})
const index = [...everyNight].reduce<RunsIndex | null>((known, day) => withRun(known, nightRun(day)), null)
const pages: Readonly<Record<string, string>> = {
  night: renderReport(sampleRun(), style),
  'good-night': renderReport(goodRun(), style),
  'hostile-night': renderReport(hostileRun(), style),
  period: renderPeriod(period, style),
  index: index === null ? '' : renderIndex(withRun(index, hostileRun()), style, () => true),
}

describe.skipIf(executablePath === null)('the pages of an auditor', { timeout: 120_000 }, () => {
  let browser: Browser

  beforeAll(async () => {
    await mkdir(folder, { recursive: true })
    for (const [name, page] of Object.entries(pages)) await writeFile(join(folder, `${name}.html`), page)
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: [...chromiumFlags] })
  }, 60_000)
  afterAll(() => browser?.close())

  /** The policy of the page lets no script in, so axe is let in by the browser itself. */
  async function open(name: string, colorScheme: 'light' | 'dark', width: number, look: (page: Page) => Promise<void>) {
    const context = await browser.newContext({ colorScheme, bypassCSP: true, viewport: { width, height: 900 } })
    try {
      const page = await context.newPage()
      await page.goto(pathToFileURL(join(folder, `${name}.html`)).href)
      await look(page)
    } finally {
      await context.close()
    }
  }

  const every = Object.keys(pages).flatMap(name => (['light', 'dark'] as const).map(scheme => [name, scheme] as const))

  it.each(every)('%s, %s: nothing that axe objects to', async (name, scheme) => {
    await open(name, scheme, 1280, async page => {
      await page.evaluate(`document.querySelectorAll('details').forEach(details => { details.open = true })`)
      await page.addScriptTag({ content: axe.source })
      const found = await page.evaluate<{ violations: string[]; passes: number }>(
        `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(tags)} } }).then(({ violations, passes }) => ({
          passes: passes.length,
          violations: violations.flatMap(({ id, nodes }) => nodes.map(node => id + ' ' + node.target.join(' ') + ': ' + node.failureSummary)),
        }))`,
      )
      expect(found.violations).toEqual([])
      expect(found.passes).toBeGreaterThan(10)
    })
  })

  it('is not content with a page that nobody can read', async () => {
    await open('index', 'light', 1280, async page => {
      await page.evaluate(`document.body.innerHTML += '<img src="x"><p style="color:#eee;background:#fff">pale</p>'`)
      await page.addScriptTag({ content: axe.source })
      const ids = await page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.map(({ id }) => id))`)
      expect(ids).toEqual(expect.arrayContaining(['image-alt', 'color-contrast']))
    })
  })

  it.each(['night', 'period', 'index'])('has its pictures: %s', async name => {
    for (const scheme of ['light', 'dark'] as const) {
      await open(name, scheme, 1280, async page => {
        await page.screenshot({ fullPage: true, path: join(folder, `${name}-${scheme}.png`) })
        if (scheme === 'light') await page.pdf({ format: 'A4', path: join(folder, `${name}-print.pdf`) })
        await page.emulateMedia({ media: 'print' })
        if (scheme === 'dark') await page.screenshot({ fullPage: true, path: join(folder, `${name}-print.png`) })
      })
    }
    await open(name, 'light', 390, async page => {
      await page.screenshot({ fullPage: true, path: join(folder, `${name}-phone.png`) })
      const wide = '[document.documentElement.scrollWidth, document.documentElement.clientWidth]'
      const [inner = 0, outer = 0] = await page.evaluate<number[]>(wide)
      expect(inner).toBeLessThanOrEqual(outer)
    })
  })
})
