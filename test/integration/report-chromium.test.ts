/** The report as a person sees it: opened from a file in a real browser, without any script. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumFlags, ensureChromium } from '../../infra/local/chromium.ts'
import { renderReport } from '../../src/report/render.ts'
import { goodRun, hostileRun, sampleRun, style } from '../support/runs.ts'

const executablePath = await ensureChromium()
if (executablePath === null) console.warn('SKIPPED: nobody looked at the report in a browser')

const runs = { sample: sampleRun(), good: goodRun(), hostile: hostileRun() }
type Name = keyof typeof runs

describe.skipIf(executablePath === null)('report.html in Chromium', () => {
  let folder: string
  let browser: Browser

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'snapproof-report-'))
    for (const [name, run] of Object.entries(runs))
      await writeFile(join(folder, `${name}.html`), renderReport(run, style))
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: [...chromiumFlags] })
  })

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Opens one in a context of its own, runs `look`, and demands that the browser had nothing to complain about. */
  async function open(name: Name, options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options)
    try {
      const page = await context.newPage()
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', said => complaints.push(`${said.type()}: ${said.text()}`))
      page.on('pageerror', error => complaints.push(error.message))
      page.on('request', request => requests.push(request.url()))
      const url = pathToFileURL(join(folder, `${name}.html`)).href
      await page.goto(url)
      await look(page)
      expect(complaints).toEqual([])
      expect(requests).toEqual([url])
    } finally {
      await context.close()
    }
  }

  // Expressions for the page are text, because this project is compiled without the types of a browser.
  const widths = '({ inner: document.documentElement.scrollWidth, outer: document.documentElement.clientWidth })'
  const bodyColours = '(({ backgroundColor, color }) => ({ backgroundColor, color }))(getComputedStyle(document.body))'
  const styleOf = (selector: string, property: string) =>
    `getComputedStyle(document.querySelector('${selector}')).${property}`
  const textColours = `[...document.querySelectorAll('h1, p, th, td, dt, dd, .mark, .note, summary, bdi')]
    .map(element => getComputedStyle(element).color)`

  it('needs no script: the verdict stands there in words', async () => {
    await open('sample', { javaScriptEnabled: false }, async page => {
      await expect(page.locator('h1').textContent()).resolves.toContain('3 of 5 snapshots cannot')
      expect(await page.locator('h1').isVisible()).toBe(true)
      expect(await page.locator('#findings article.error').isVisible()).toBe(true)
      expect(await page.locator('svg[role=img]').count()).toBe(3)
    })
    await open('good', { javaScriptEnabled: false }, async page => {
      expect(await page.locator('h1').textContent()).toContain('are proven to restore')
    })
  })

  it('applies its own style under its own policy', async () => {
    await open('sample', {}, async page => {
      expect(await page.evaluate(styleOf('.strip', 'display'))).toBe('grid')
      expect(await page.evaluate(styleOf('.series-debt', 'fill'))).not.toBe('rgb(0, 0, 0)')
    })
  })

  it('shows hostile names as text and runs nothing of them', async () => {
    await open('hostile', {}, async page => {
      expect(await page.title()).not.toBe('owned')
      expect(await page.locator('script').count()).toBe(0)
      expect(await page.locator('#last-good bdi').first().textContent()).toContain('<script>document.title=')
      expect(await page.locator('#last-good bdi').first().getAttribute('title')).toContain('x'.repeat(10_000))
    })
  })

  it.each([
    ['sample', 390],
    ['hostile', 390],
    ['sample', 320],
    ['hostile', 1280],
  ] as const)('does not overflow: %s at %i px', async (name, width) => {
    await open(name, { viewport: { width, height: 844 } }, async page => {
      await page.evaluate(`document.querySelectorAll('details').forEach(details => { details.open = true })`)
      const { inner, outer } = await page.evaluate<{ inner: number; outer: number }>(widths)
      expect(outer).toBeGreaterThan(width - 40)
      expect(inner).toBeLessThanOrEqual(outer)
    })
  })

  it('is light or dark as the reader likes, and dark ink on paper', async () => {
    const colours = (page: Page) => page.evaluate<{ backgroundColor: string; color: string }>(bodyColours)
    await open('sample', { colorScheme: 'light' }, async page => {
      expect(luminance((await colours(page)).backgroundColor)).toBeGreaterThan(0.9)
      expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(10_000)
    })
    await open('sample', { colorScheme: 'dark' }, async page => {
      expect(luminance((await colours(page)).backgroundColor)).toBeLessThan(0.1)
      expect((await page.screenshot({ fullPage: true })).length).toBeGreaterThan(10_000)
      await page.emulateMedia({ media: 'print' })
      const printed = await colours(page)
      expect(luminance(printed.backgroundColor)).toBeGreaterThan(0.9)
      expect(luminance(printed.color)).toBeLessThan(0.1)
      const pdf = await page.pdf({ format: 'A4' })
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    })
  })

  it.each(['light', 'dark'] as const)('has enough contrast in %s', async colorScheme => {
    await open('sample', { colorScheme }, async page => {
      const background = (await page.evaluate<{ backgroundColor: string }>(bodyColours)).backgroundColor
      const colours = await page.evaluate<string[]>(textColours)
      expect(colours.length).toBeGreaterThan(100)
      for (const colour of new Set(colours)) expect(contrast(colour, background)).toBeGreaterThanOrEqual(4.5)
    })
  })
})

/** Relative luminance of WCAG 2.2, from `rgb(r, g, b)`. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number).map(value => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}
