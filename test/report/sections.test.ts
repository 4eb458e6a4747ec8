/** The sections one by one: what each must say for people to trust the page. */
import { describe, expect, it } from 'vitest'
import { findingCodes } from '../../src/model/finding.ts'
import { baselinesSection } from '../../src/report/baselines.ts'
import { coverageSection, gapsSection } from '../../src/report/coverage.ts'
import { acceptedSection, lastGoodSection } from '../../src/report/findings.ts'
import { mark, severityShapes, shapeDefinitions, toneShapes, verdictShapes } from '../../src/report/marks.ts'
import { masthead, strip } from '../../src/report/overview.ts'
import { renderReport } from '../../src/report/render.ts'
import { rulesSection } from '../../src/report/rules.ts'
import { parseRun, serializeRun } from '../../src/report/run-json.ts'
import { sampleSection } from '../../src/report/sample.ts'
import { debtSection, identitySection, limitsSection, restoresSection } from '../../src/report/work.ts'
import { first, goodRun, hostile, sampleRun, style, withRestoreVerdict } from '../support/runs.ts'

/** Text as read, with single spaces. */
const read = (markup: { toString(): string } | false) =>
  String(markup)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')

describe('marks', () => {
  it('defines every shape that is used, and always has a word beside it', () => {
    const defined = shapeDefinitions().toString()
    for (const shape of [
      ...Object.values(verdictShapes),
      ...Object.values(severityShapes),
      ...Object.values(toneShapes),
    ]) {
      expect(defined).toContain(`<symbol id="shape-${shape}"`)
    }
    expect(mark('cross', 'fail', 'fail').toString()).toMatch(
      /aria-hidden="true"><use href="#shape-cross"\/><\/svg><span>fail<\/span>/,
    )
  })

  it('gives the verdicts different shapes', () => {
    expect(new Set(Object.values(verdictShapes)).size).toBe(4)
  })
})

describe('overview', () => {
  it('says what, when, by whom, and with which exit code', () => {
    const text = read(masthead(sampleRun()))
    for (const part of [
      'production',
      's3://acme-search-snapshots/production',
      'generation 147',
      '2026-11-23 02:08 UTC',
      'Elasticsearch 9.5.3',
      'Exit code 1',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('written to meanwhile')
    expect(read(masthead(sampleRun({ finalGeneration: 148 })))).toContain('written to meanwhile: 148')
    expect(read(masthead(sampleRun({ engines: [] })))).toContain('No server was started')
  })

  it('shows the age of the newest good snapshot beside that of the newest', () => {
    expect(read(strip(sampleRun()))).toMatch(/3 days old nightly-2026\.11\.20 ; the newest of all is 2 h old/)
    expect(read(strip(goodRun()))).toContain('the newest there is')
    const none = goodRun({ snapshots: goodRun().snapshots.map(row => withRestoreVerdict(row, 'inconclusive')) })
    expect(read(strip(none))).toContain('no snapshot is proven to restore')
  })

  it('does not invent a speed', () => {
    expect(read(strip(goodRun({ restores: [] })))).toContain('not measured')
  })
})

describe('coverage', () => {
  it('puts failing snapshots first and shows each level in words with its reason', () => {
    const text = read(coverageSection(sampleRun()))
    expect(text.indexOf('nightly-2026.11.21')).toBeLessThan(text.indexOf('nightly-2026.11.20'))
    expect(text).toMatch(/fail lower level failed/)
    expect(text).toMatch(/pass remembered/)
    expect(text).toContain('A lower level failed, so this one cannot hold.')
  })

  it('says of a level without a verdict that it was not asked', () => {
    const snapshots = goodRun().snapshots.map(row => ({ ...row, levels: {} }))
    expect(read(coverageSection(goodRun({ snapshots })))).toContain('not asked')
  })

  it('has no gaps section without gaps, and one row for each reason otherwise', () => {
    expect(gapsSection(goodRun())).toBe(false)
    expect(String(gapsSection(sampleRun())).match(/<th scope="row">/g)).toHaveLength(3)
  })
})

describe('last good', () => {
  it('puts the index without any good snapshot first', () => {
    const sample = sampleRun()
    const lastGood = [
      ...sample.lastGood,
      { ...first(sample.lastGood), index: 'lonely', snapshot: null, uuid: null, endedAt: null, method: null },
    ]
    const text = read(lastGoodSection({ ...sample, lastGood }))
    expect(text).toMatch(/lonely none known/)
    expect(text.indexOf('lonely')).toBeLessThan(text.indexOf('customers'))
  })
})

describe('accepted findings', () => {
  it('names who answers for it and until when, and that it still does not restore', () => {
    const finding = { ...first(sampleRun().findings), advice: findingCodes['corrupt-data-blob'].advice }
    const run = goodRun({
      accepted: [{ finding, until: '2026-12-24T00:00:00.000Z', reason: 'index is retired', approver: 'Kim' }],
    })
    const text = read(acceptedSection(run))
    for (const part of ['Kim', '2026-12-24 00:00 UTC', 'index is retired', 'still do not restore'])
      expect(text).toContain(part)
    expect(acceptedSection(goodRun())).toBe(false)
  })
})

describe('work', () => {
  it('says how much debt there was, is and is overdue, and what was chosen', () => {
    const text = read(debtSection(sampleRun({ debt: { ...sampleRun().debt, overdue: 3 } })))
    expect(text).toContain('8 contents before this run, 4 after it')
    expect(text).toContain('3 of them beyond the policy')
    expect(text).toMatch(/Snapshots chosen nightly-2026\.11\.22 , nightly-2026\.11\.23/)
    const stuck = sampleRun({ debt: { ...sampleRun().debt, nightsToCatchUp: null } })
    expect(read(debtSection(stuck))).toContain('unknown: this run proved nothing')
  })

  it('puts restores without a pass first and never says that uncounted documents were found', () => {
    const text = read(restoresSection(sampleRun()))
    expect(text.indexOf('not known')).toBeLessThan(text.indexOf('customers'))
    expect(text).toContain('not counted 9,182,440 expected')
    expect(text).toContain('5,118,902 of 5,118,902')
    expect(text).toContain('counts for nightly-2026.11.22 too')
    expect(read(restoresSection(goodRun({ restores: [] })))).toContain('None.')
  })

  it('shows what a chain kept beside what was foretold', () => {
    const [row] = goodRun().restores
    if (row === undefined) throw new Error('the good run restores nothing')
    const chain = { link: 1, over: 'nightly-<1>', predictedReusedBytes: 3 * 2 ** 20, reusedBytes: 2 * 2 ** 20 }
    const text = read(restoresSection(goodRun({ restores: [{ ...row, method: 'chained', chain }] })))
    expect(text).toContain('over nightly-&lt;1&gt; : 2.10 MB kept of 3.15 MB foretold')
  })

  it('states the limits, and that stating none is a defect', () => {
    expect(read(limitsSection(sampleRun()))).toContain('index-N carries no checksum')
    expect(read(limitsSection(sampleRun({ limitsOfProof: [] })))).toContain('itself a defect')
  })

  it('identifies the run', () => {
    const sample = sampleRun()
    const text = read(identitySection({ ...sample, exit: { code: 1, applies: [1, 4], reason: 'one and four' } }))
    for (const part of [
      sample.runId,
      '20.20.2',
      'egress blocked',
      '538 get',
      'one and four',
      '4: debt beyond the policy',
      'mirror and restore',
    ]) {
      expect(text).toContain(part)
    }
  })
})

describe('rules, baselines and sample', () => {
  const members = ['rules', 'baselines', 'sample'] as const

  it('say what fails, since when and what the draw supports', () => {
    const run = sampleRun()
    expect(read(rulesSection(run))).toMatch(/3 rules: 1 fails .*customers have an address .*91\.2 %/)
    expect(read(baselinesSection(run))).toMatch(
      /12 indices compared: 1 departure of the last 7 days.*2 further indices/,
    )
    expect(read(baselinesSection(run))).toMatch(/sessions .*shrunk .*41,207 documents/)
    expect(read(sampleSection(run))).toContain(`3 of 14 contents that can be restored`)
    expect(run.sample?.sentence).toMatch(/^95 % sure, from a random draw: at most \d+ of the 14/)
    expect(read(sampleSection(run))).toContain(run.sample?.sentence)
  })

  it('are left out where a run has none', () => {
    const { rules: _, baselines: __, sample: ___, ...older } = sampleRun()
    for (const section of [rulesSection, baselinesSection, sampleSection]) expect(section(older)).toBe(false)
    for (const id of members) expect(renderReport(older, style)).not.toContain(`<section id="${id}"`)
  })

  it('keep hostile names words, and the page bounded', () => {
    // Every text in them but the words of their kinds.
    const kinds = /^(kind|severity|verdict|endedAt|normalFrom)$/
    const bend = (value: unknown, name = ''): unknown => {
      if (typeof value === 'string') return kinds.test(name) ? value : hostile
      if (Array.isArray(value)) return value.map(one => bend(one))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bend(one, key)]))
    }
    const sample = sampleRun()
    const bent = Object.fromEntries(members.map(member => [member, bend(sample[member])]))
    const run = parseRun(serializeRun({ ...sample, ...bent }))
    for (const section of [rulesSection, baselinesSection, sampleSection]) {
      const page = String(section(run))
      expect(page).toContain('&lt;script&gt;document.title')
      expect(page).not.toContain('<script')
      expect(page.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u)
      expect(page.replace(/title="[^"]*"/g, '')).not.toMatch(/x{1200}/)
    }
  })

  it.each(members)('%s: a run.json of another shape is refused, and says where', member => {
    const text = (change: unknown) => JSON.stringify({ ...sampleRun(), [member]: change })
    expect(() => parseRun(text([]))).toThrow(new RegExp(member))
    expect(() =>
      parseRun(text({ ...sampleRun()[member], [member === 'baselines' ? 'judged' : 'more']: 'x', passed: '1' })),
    ).toThrow(new RegExp(member))
    expect(() => parseRun(text(undefined))).not.toThrow()
  })
})
