import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { maxFindingRows } from '../../src/report/findings.ts'
import { renderReport } from '../../src/report/render.ts'
import { first, goodRun, hostileRun, sampleReport, sampleRun, style } from '../support/runs.ts'

describe('renderReport', () => {
  it('draws the committed sample, byte for byte (npx tsx infra/local/update-sample.ts draws it again)', () => {
    expect(renderReport(sampleRun(), style)).toBe(sampleReport)
  })

  it('lets in nothing but its own style', () => {
    const page = renderReport(sampleRun(), style.replaceAll('\n', '\r\n'))
    const css = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? ''
    expect(css).toBe(style)
    const hash = createHash('sha256').update(css).digest('base64')
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    )
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\sstyle=|\son[a-z]+=|src=|https?:/i)
  })

  it('refuses a style that would end its element', () => {
    expect(() => renderReport(sampleRun(), 'p{}</STYLE><script>')).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('shows what is wrong first, and puts findings after the rest when none is an error', () => {
    const position = (page: string, id: string) => page.indexOf(`<section id="${id}">`)
    const failing = renderReport(sampleRun(), style)
    expect(position(failing, 'findings')).toBeLessThan(position(failing, 'last-good'))
    const good = renderReport(goodRun(), style)
    expect(position(good, 'findings')).toBeGreaterThan(position(good, 'coverage'))
    expect(good).toContain('None in what this run looked at.')
  })

  it('names blob, snapshots, last good snapshot and advice of an error', () => {
    const page = renderReport(sampleRun(), style)
    const article = /<article class="finding error">[\s\S]*?<\/article>/.exec(page)?.[0] ?? ''
    const finding = first(sampleRun().findings)
    expect(article).toContain('>Error<')
    expect(article).toContain(finding.key)
    for (const uuid of finding.snapshots) {
      expect(article).toContain(sampleRun().snapshots.find(snapshot => snapshot.uuid === uuid)?.name)
    }
    expect(article).toContain('nightly-2026.11.20')
    expect(article).toContain('Recover the object from a bucket version')
  })

  it('never hides an inconclusive restore: it stands in restores and in gaps, in words', () => {
    const page = renderReport(sampleRun(), style)
    for (const id of ['restores', 'gaps']) {
      const section = new RegExp(`<section id="${id}">[\\s\\S]*?</section>`).exec(page)?.[0] ?? ''
      expect(section).toContain('not known')
      expect(section).toContain('engine died')
    }
  })

  it('says of a credited content from where and when it was restored', () => {
    const page = renderReport(sampleRun(), style)
    expect(page).toMatch(
      /logs-2026\.11\.20<\/bdi>[\s\S]{0,400}by the same content, restored from <bdi class="name">nightly-2026\.11\.23<\/bdi> on <time datetime="2026-11-23/,
    )
  })

  it('gives each plot a name, a description and its numbers', () => {
    const page = renderReport(sampleRun(), style)
    const plots = page.match(/<svg role="img"[\s\S]*?<\/figure>/g) ?? []
    expect(plots).toHaveLength(3)
    for (const plot of plots) {
      expect(plot).toMatch(
        /aria-labelledby="([a-z-]+)-title \1-desc"[\s\S]*<title id="\1-title">[^<]+<[\s\S]*<desc id="\1-desc">[^<]+</,
      )
      expect(plot).toMatch(/<details><summary>[\s\S]*<tbody>[\s\S]*<tr>/)
      expect(plot).not.toMatch(/NaN|undefined|Infinity/)
    }
  })

  it('draws runs with nothing in them', () => {
    const run = goodRun({
      snapshots: [],
      restores: [],
      lastGood: [],
      history: [],
      engines: [],
      limitsOfProof: [],
      forecast: null,
      stats: { ...sampleRun().stats, phases: [] },
    })
    const page = renderReport(run, style)
    expect(page).toContain('holds no snapshot')
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/)
  })

  it('escapes every name of the repository, cuts it, and keeps the whole of it in title', () => {
    const page = renderReport(hostileRun(), style)
    expect(page).not.toContain('<script')
    expect(page.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u)
    expect(page).toContain('&lt;script&gt;document.title')
    expect(page).toContain('[U+202E]')
    const outsideTitles = page.replace(/title="[^"]*"/g, '').replace(/<title>[^<]*<\/title>/g, '')
    expect(outsideTitles).not.toMatch(/x{1200}/)
    expect(page).toMatch(/title="&lt;script[^"]*x{10000}"/)
  })

  it('keeps the number of findings in the page bounded and says how many are elsewhere', () => {
    const finding = first(sampleRun().findings)
    const findings = Array.from({ length: maxFindingRows + 321 }, (_, i) => ({
      ...finding,
      id: `f${i}`,
      key: `blob-${i}-`,
    }))
    const page = renderReport(sampleRun({ findings }), style)
    expect(new Set(page.match(/blob-\d+-/g)).size).toBe(maxFindingRows)
    expect(page).toContain('321 further findings')
    expect(page.length).toBeLessThan(2_500_000)
  })

  it('names codes of a newer version by themselves, and is not misled by names such as constructor', () => {
    const finding = first(sampleRun().findings)
    const code = 'constructor' as typeof finding.code
    const page = renderReport(sampleRun({ findings: [{ ...finding, code }] }), style)
    expect(page).toContain('<p class="title">constructor</p>')
  })
})
