/** The parser of Prometheus' own Python library reads what we write: what it finds is what was meant. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { installOpenMetricsParser } from '../../infra/local/python-tools.ts'
import { describeError } from '../../src/errors.ts'
import { toMetricData } from '../../src/metrics/data.ts'
import { openMetricsText } from '../../src/metrics/openMetrics.ts'
import type { RunResult } from '../../src/model/run.ts'
import { goodRun, hostile, sampleRun } from '../support/runs.ts'

const nowMs = Date.parse('2026-11-23T12:00:00Z')
const program = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
print(json.dumps([[f.name, f.type, f.documentation, [[s.name, s.labels, s.value, s.timestamp] for s in f.samples]]
                  for f in parse(sys.stdin.read())]))
`

type Family = [name: string, type: string, help: string, samples: [string, Record<string, string>, number, null][]]

const python = await installOpenMetricsParser().catch((error: unknown) => {
  console.warn(`SKIPPED: no parser of OpenMetrics text besides our own: ${describeError(error)}`)
  return null
})

/** @throws what the parser says of a text that is none */
async function parsed(text: string): Promise<Family[]> {
  const answer = promisify(execFile)(python ?? '', ['-c', program], { timeout: 60_000 })
  answer.child.stdin?.end(text)
  return JSON.parse((await answer).stdout) as Family[]
}

describe.skipIf(python === null)('prometheus_client', () => {
  it.each([
    ['a bad night', sampleRun()],
    ['a good one', goodRun()],
  ] as [string, RunResult][])('finds every metric of %s, once, with its value and no time', async (_, run) => {
    const families = await parsed(openMetricsText(run, nowMs))
    const values = [Date.parse(run.endedAt) / 1000, run.exit.code, ...toMetricData(run, nowMs).map(one => one.Value)]
    expect(families.map(([, , , samples]) => samples.map(([, , value]) => value))).toEqual(values.map(one => [one]))
    expect(new Set(families.map(([name]) => name)).size).toBe(families.length)
    for (const [name, type, help, samples] of families) {
      expect([type, help === '']).toEqual(['gauge', false])
      expect(samples).toEqual([[name, { repository: run.repository.name }, expect.anything(), null]])
    }
  })

  it('reads any name as it is', async () => {
    const run = sampleRun()
    const name = `${hostile}\\\n"}\n# EOF\n`
    const [[, , , samples] = []] = await parsed(
      openMetricsText({ ...run, repository: { ...run.repository, name } }, nowMs),
    )
    expect(samples?.map(([, labels]) => labels)).toEqual([{ repository: name }])
  })

  it('would say so if it were none', async () => {
    const text = openMetricsText(sampleRun(), nowMs)
    await expect(parsed(text.replace('# EOF\n', ''))).rejects.toThrow(/EOF/)
    await expect(parsed(text.replace(' gauge\n', ' gauges\n'))).rejects.toThrow(/ValueError/)
  })
})
