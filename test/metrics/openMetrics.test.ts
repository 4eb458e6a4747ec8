/** OpenMetrics text, read by a strict parser made from the specification (section "ABNF"). */
import { describe, expect, it } from 'vitest'
import { toMetricData } from '../../src/metrics/data.ts'
import { openMetricsText } from '../../src/metrics/openMetrics.ts'
import type { RunResult } from '../../src/model/run.ts'
import { goodRun, hostile, sampleRun } from '../support/runs.ts'

const nowMs = Date.parse('2026-11-23T12:00:00Z')

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Families in order: TYPE, HELP, one sample each; each name once; `# EOF` and a line feed at the end. */
function parse(text: string): Map<string, Sample> {
  const found = new Map<string, Sample>()
  expect(text.endsWith('\n# EOF\n')).toBe(true)
  const lines = text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)
  const unescaped = (value: string) => {
    expect(value).toMatch(/^(?:[^\\"\n]|\\[\\"n])*$/)
    return value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))
  }
  for (let i = 0; i < lines.length; i += 3) {
    const [, name = ''] = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) gauge$/.exec(lines[i] ?? '') ?? []
    expect(name, lines[i]).not.toBe('')
    expect(found.has(name)).toBe(false)
    const help = lines[i + 1] ?? ''
    expect(help.startsWith(`# HELP ${name} `)).toBe(true)
    unescaped(help.slice(`# HELP ${name} `.length))
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{([a-z]+)="((?:[^"\\\n]|\\.)*)"\} (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
    const [, family, label = '', value = '', number] = sample.exec(lines[i + 2] ?? '') ?? []
    expect(family, lines[i + 2]).toBe(name)
    found.set(name, { labels: { [label]: unescaped(value) }, value: Number(number) })
  }
  return found
}

const valuesOf = (run: RunResult) => [...parse(openMetricsText(run, nowMs))].map(([name, { value }]) => [name, value])

describe('OpenMetrics text', () => {
  it('says what CloudWatch is told, and when and how the run ended', () => {
    for (const run of [sampleRun(), goodRun()]) {
      const [ended, code, ...gauges] = valuesOf(run)
      expect(ended).toEqual(['snapproof_run_ended_timestamp_seconds', Date.parse(run.endedAt) / 1000])
      expect(code).toEqual(['snapproof_exit_code', run.exit.code])
      expect(gauges.map(([, value]) => value)).toEqual(toMetricData(run, nowMs).map(({ Value }) => Value))
    }
    const names = new Map(parse(openMetricsText(sampleRun(), nowMs)))
    for (const name of ['failed_snapshots', 'newest_good_snapshot_age_hours', 'debt_bytes', 'heartbeat'])
      expect([...names.keys()]).toContain(`snapproof_${name}`)
  })

  it('has no zero of a run that saw nothing', () => {
    const run = goodRun({ exit: { code: 2, applies: [2], reason: 'no disk' } })
    expect(valuesOf(run).slice(1)).toEqual([
      ['snapproof_exit_code', 2],
      ['snapproof_auditor_blind', 1],
    ])
  })

  it('bears any name', () => {
    const run = sampleRun()
    const name = `${hostile}\\\n"}\n# EOF\n`
    const [sample] = parse(openMetricsText({ ...run, repository: { ...run.repository, name } }, nowMs)).values()
    expect(sample?.labels).toEqual({ repository: name })
  })
})
