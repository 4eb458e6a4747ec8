/** `snapproof report --period` on a real ledger file and kept runs; its counts against `ledger show`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { silentLog } from '../../src/log.ts'
import type { PeriodReport } from '../../src/model/period.ts'
import { serializeRun } from '../../src/report/run-json.ts'
import { headRow } from '../../src/seal/head.ts'
import { systemClock } from '../../src/time.ts'
import { newFolder } from '../ledger/support.ts'
import { july, later, ledgerOf, night, nightRun } from '../report/period/support.ts'

const folder = newFolder()
const runs = join(folder, 'runs')
const ledger = join(folder, 'ledger.sqlite')
const hash = 'ab'.repeat(32)

beforeAll(() => {
  const nights = [0, 1, 2, 4, 5]
  ledgerOf([...nights.flatMap(days => night(days)), headRow('s3://seals/prod', { number: 17, hash })], ledger).close()
  for (const days of nights.filter(one => one !== 2)) {
    mkdirSync(join(runs, `night-${days}`), { recursive: true })
    // One was written halfway; one is that of another run.
    const text = serializeRun(nightRun(days === 4 ? 9 : days))
    writeFileSync(join(runs, `night-${days}`, 'run.json'), days === 5 ? text.slice(0, 500) : text)
  }
})

async function run(...args: string[]) {
  const printed: string[] = []
  const said: string[] = []
  const context: CliContext = {
    environment: {},
    clock: { ...systemClock, nowMs: () => later },
    log: { ...silentLog, warn: text => said.push(text), clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: text => printed.push(text),
  }
  const code = await createProgram(context, text => said.push(text), '1.2.3').run(args)
  return { code, out: printed.join('\n'), said: said.join('') }
}
const report = (...args: string[]) => run('report', '--ledger', ledger, ...args)
async function json(...args: string[]) {
  const { out, code, said } = await run(...args, '--ledger', ledger, '--json')
  expect([code, said]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('report --period', () => {
  test('writes page, data and lines, and says the same everywhere', async () => {
    const out = join(folder, 'out')
    const { code, out: text } = await report('--period', '2026-07', '--runs', runs, '--out', out)
    expect([code, readdirSync(out).sort()]).toEqual([0, ['period.html', 'period.json', 'period.jsonl']])
    const told: PeriodReport = JSON.parse(readFileSync(join(out, 'period.json'), 'utf8'))
    expect(told.documents).toEqual({ kept: 2, missing: 1, unreadable: 2 })
    expect(told.runs.map(({ document }) => document)).toEqual(['kept', 'kept', 'missing', 'unreadable', 'unreadable'])
    expect(told.runs[3]?.problem).toContain('it is the run.json of night-9')
    expect(told.seals.heads).toEqual([{ chain: 's3://seals/prod', number: 17, hash }])
    const page = readFileSync(join(out, 'period.html'), 'utf8')
    expect(page).toContain(hash)
    expect(page).toContain('5 of 31')
    expect(text).toMatch(/^WITH GAPS: 5 of 31 planned runs did their work\n/)
    const { out: again } = await report('--period', '2026-07', '--runs', pathToFileURL(runs).href, '--json')
    expect(JSON.parse(again.replaceAll(`${pathToFileURL(runs).href}`, runs))).toEqual(told)
  })
  test('its counts are those of ledger show', async () => {
    const told: PeriodReport = await json('report', '--period', '2026-07')
    const within = ['--from', '2026-07-01', '--to', '2026-07-31']
    const shown = (await json('ledger', 'show', 'runs', ...within)).rows
    expect(told.totals.runs).toBe(shown.length)
    for (const member of ['planned', 'executed', 'proven', 'failed', 'inconclusive'] as const)
      expect(told.totals[member]).toBe(
        shown.reduce((sum: number, row: Record<string, number>) => sum + (row[member] ?? 0), 0),
      )
    expect(told.gaps).toEqual((await json('ledger', 'show', 'gaps', ...within)).rows)
    expect(told.restores.attempts).toBe((await json('ledger', 'show', 'restores', ...within)).rows.length)
    expect(told.failures.length).toBe((await json('ledger', 'show', 'failures', ...within)).rows.length)
    const good = (await json('ledger', 'show', 'good', '--at', '2026-07-31')).rows
    expect(told.lastGood.map(({ snapshot }) => snapshot)).toEqual(good.map((row: { snapshot: string }) => row.snapshot))
    const snapshots = (await json('ledger', 'show', 'snapshots', '--at', '2026-07-31')).rows
    for (const { level, pass } of told.population.levels)
      expect(pass).toBe(
        snapshots.filter((row: { level: string; verdict: string }) => row.level === level && row.verdict === 'pass')
          .length,
      )
  })
  test('without a place of runs it says what is missing', async () => {
    const told: PeriodReport = await json('report', '--period', '2026-Q3')
    expect(told.documents).toEqual({ kept: 0, missing: 5, unreadable: 0 })
    expect(told.runs[0]?.problem).toContain('--runs FOLDER|URL')
    expect(told.identity.egressBlocked).toBeNull()
  })
  test('prints the page; a period without runs is reported, loudly', async () => {
    const { out, code } = await report('--period', '2026-05', '--html')
    expect([code, out.slice(0, 15)]).toEqual([0, '<!doctype html>'])
    expect(out).toContain('nothing at all was tested')
    expect((await report('--from', '2026-07-01', '--to', '2026-07-03')).out).toMatch(/^ALL|^WITH|^NOT ALL KNOWN/)
  })
  test.each([
    [['--period', 'last-quarter'], /no period/],
    [['--period', '2027'], /lies ahead/],
    [['--from', '2026-07-01'], /--to is missing/],
    [['--period', '2026', '--from', '2026-07-01', '--to', '2026-07-02'], /one of them/],
    [['--period', '2026', '--every-days', '0'], /--every-days/],
    [['--period', '2026', '--restore-target', 'soon'], /--restore-target/],
    [['--period', '2026', '--html', '--json'], /one of them/],
    [['some-run', '--period', '2026'], /one of them/],
    [['some-run', '--out', 'x'], /belongs to --period/],
    [[], /the report of what/],
  ] as const)('refuses %s', async (args, message) => {
    const { code, out, said } = await report(...args)
    expect([code, out]).toEqual([64, ''])
    expect(said).toMatch(message)
  })
  test('needs a ledger', async () => {
    expect(await run('report', '--period', '2026')).toMatchObject({
      code: 64,
      said: expect.stringMatching(/which ledger/),
    })
  })
  test('writes nothing into ledger or runs', async () => {
    const before = [
      readFileSync(ledger),
      readdirSync(folder).filter(name => name.startsWith('ledger')),
      readdirSync(runs),
    ]
    await report('--period', '2026-07', '--runs', runs)
    expect([
      readFileSync(ledger),
      readdirSync(folder).filter(name => name.startsWith('ledger')),
      readdirSync(runs),
    ]).toEqual(before)
    expect(july).toBeLessThan(later)
  })
})
