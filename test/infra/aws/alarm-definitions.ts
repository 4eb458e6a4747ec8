/** The alarms of a template as the evaluator takes them. */
import type { Template } from 'aws-cdk-lib/assertions'
import type { AlarmDefinition } from './evaluator.ts'
import { flat, resources } from './templates.ts'

export function alarmDefinitions(template: Template): AlarmDefinition[] {
  const composites = [...resources(template, 'AWS::CloudWatch::CompositeAlarm').values()]
  return [...resources(template, 'AWS::CloudWatch::Alarm')].map(([logicalId, { Properties: alarm }]) => {
    const composite = composites.find(({ Properties }) =>
      flat(Properties.AlarmRule).includes(`ALARM("<${logicalId}.Arn>")`),
    )
    const stat = alarm.Metrics?.find((query: { MetricStat?: object }) => query.MetricStat !== undefined)
    const returned = alarm.Metrics?.find((query: { ReturnData: boolean }) => query.ReturnData)
    const id = flat(alarm.AlarmName).replace(/^snapproof-(?:<RepositoryName>|production)-/, '')
    return {
      id,
      level:
        composite === undefined ? null : flat(composite.Properties.AlarmName).endsWith('-page') ? 'page' : 'ticket',
      metric: stat?.MetricStat.Metric.MetricName ?? alarm.MetricName,
      statistic: stat?.MetricStat.Stat ?? alarm.Statistic,
      comparison: alarm.ComparisonOperator,
      threshold: alarm.Threshold,
      periodMs: (stat?.MetricStat.Period ?? alarm.Period) * 1_000,
      periods: alarm.EvaluationPeriods,
      toAlarm: alarm.DatapointsToAlarm,
      missing: alarm.TreatMissingData,
      fillZero: returned?.Expression === `FILL(${stat?.Id}, 0)`,
      calendarWeeks: alarm.EvaluationWindow?.WallClockWindow !== undefined,
      warmUpMs: (alarm.WarmUpConfiguration?.WarmUpPeriodDurationInMinutes ?? 0) * 60_000,
    }
  })
}
