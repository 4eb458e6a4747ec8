/** The rows of the table as CloudWatch alarms, and the two composites that notify. */
import { Fn, Token } from 'aws-cdk-lib'
import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { type AlarmRow, type MetricSource, metricOf } from './alarm-table.ts'

export interface AlarmsProps {
  readonly rows: readonly AlarmRow[]
  /** Names of the resources whose metrics are watched. */
  readonly names: Readonly<Record<MetricSource['of'], string>>
  /** Start of every alarm's name; the repository's. */
  readonly prefix: string
  readonly topicArn: string
  /** Repeated in each description. */
  readonly runbookUrl: string
}

const comparison = {
  'at-least': 'GreaterThanOrEqualToThreshold',
  'more-than': 'GreaterThanThreshold',
  'less-than': 'LessThanThreshold',
} as const

export class Alarms extends Construct {
  readonly byId: ReadonlyMap<string, CfnAlarm>
  readonly composites: readonly CfnCompositeAlarm[]

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    this.byId = new Map(props.rows.map(row => [row.id, this.#alarm(row, props)]))
    // Two of them, so that an old debt hides no new failure. They alone have actions: one mail, not eight.
    this.composites = (['page', 'ticket'] as const).map(level => this.#composite(level, props))
  }

  #alarm(row: AlarmRow, props: AlarmsProps): CfnAlarm {
    const metric = metricOf(row.source, props.names)
    const stat = { dimensions: [{ name: metric.dimension, value: metric.value }], period: row.periodSeconds }
    return new CfnAlarm(this, pascal(row.id), {
      alarmName: `${props.prefix}-${row.id}`,
      alarmDescription: [row.meaning, `First look: ${row.firstLook}`, `Fix: ${row.fix}`, props.runbookUrl].join('\n\n'),
      comparisonOperator: comparison[row.when],
      threshold: row.threshold,
      evaluationPeriods: row.periods,
      datapointsToAlarm: row.periods,
      treatMissingData: row.missing,
      ...(row.missingIsZero
        ? {
            metrics: [
              {
                id: 'put',
                returnData: false,
                metricStat: {
                  metric: { namespace: metric.namespace, metricName: metric.name, dimensions: stat.dimensions },
                  period: stat.period,
                  stat: row.statistic,
                },
              },
              { id: 'filled', expression: 'FILL(put, 0)', label: metric.name, returnData: true },
            ],
          }
        : {
            namespace: metric.namespace,
            metricName: metric.name,
            dimensions: stat.dimensions,
            period: stat.period,
            statistic: row.statistic,
          }),
      ...(row.calendarZone === null ? {} : { evaluationWindow: { wallClockWindow: { timezone: row.calendarZone } } }),
      ...(row.warmUpMinutes === 0
        ? {}
        : {
            warmUpConfiguration: {
              warmUpPeriodDurationInMinutes: row.warmUpMinutes,
              onlyStartEvaluatingAfterWarmUpPeriodEnds: true,
            },
          }),
    })
  }

  #composite(level: AlarmRow['level'], props: AlarmsProps): CfnCompositeAlarm {
    const rows = props.rows.filter(row => row.level === level)
    const members = rows.flatMap(row => this.byId.get(row.id) ?? [])
    return new CfnCompositeAlarm(this, pascal(level), {
      alarmName: `${props.prefix}-${level}`,
      alarmDescription: `${
        level === 'page' ? 'Somebody must look now' : 'Somebody must look in working hours'
      }. Any of: ${rows.map(row => row.id).join(', ')}.\n\n${props.runbookUrl}`,
      alarmRule: Fn.join(
        ' OR ',
        members.map(alarm => Fn.join('', ['ALARM("', Token.asString(alarm.attrArn), '")'])),
      ),
      actionsEnabled: true,
      alarmActions: [props.topicArn],
      okActions: [props.topicArn],
    })
  }
}

/** `missed-run` → `MissedRun`. */
function pascal(id: string): string {
  return id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
