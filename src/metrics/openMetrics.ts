/**
 * The metrics of a run as OpenMetrics text (prometheus/OpenMetrics: specification/OpenMetrics.md @ 1.0), for node_exporter's folder
 * of text files or a gateway: the values that CloudWatch gets, and when the run ended and how, which are always there.
 */
import type { RunResult } from '../model/run.ts'
import { toMetricData } from './data.ts'
import { type MetricName, metrics } from './names.ts'

/** `snapproof_error_findings{repository="…"} 0`; what is not known is left out. Without timestamps, which text files may not have. */
export function openMetricsText(run: RunResult, nowMs: number): string {
  const labels = `{repository="${labelValue(run.repository.name)}"}`
  const gauge = (name: string, meaning: string, value: number) =>
    `# TYPE ${name} gauge\n# HELP ${name} ${labelValue(meaning)}\n${name}${labels} ${value}\n`
  const families = [
    gauge(
      'snapproof_run_ended_timestamp_seconds',
      'When the run ended; alarm on its age, for a run that never came says nothing else.',
      Date.parse(run.endedAt) / 1000,
    ),
    gauge('snapproof_exit_code', 'Exit code of the run.', run.exit.code),
    ...toMetricData(run, nowMs).map(({ MetricName: name, Value: value }) =>
      gauge(`snapproof_${snakeCase(String(name))}`, metrics[name as MetricName].meaning, value ?? Number.NaN),
    ),
  ]
  return `${families.join('')}# EOF\n`
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, capital => `_${capital}`).toLowerCase()
}

function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
