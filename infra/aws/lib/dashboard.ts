/** The dashboard: state of all alarms, one tile with a red band for each, and the other numbers without one. */
import { Aws, Stack } from 'aws-cdk-lib'
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { type MetricName, metrics, namespace, repositoryDimension } from '../../../src/metrics/names.ts'
import { type AlarmRow, type MetricSource, metricOf } from './alarm-table.ts'
import { runbookTable } from './runbook.ts'
import { substituted } from './substitute.ts'

export interface DashboardProps {
  readonly rows: readonly AlarmRow[]
  readonly names: Readonly<Record<MetricSource['of'], string>>
  readonly name: string
  readonly alarmArns: readonly string[]
}

/** CloudWatch's own red. */
export const red = '#d62728'

export function addDashboard(scope: Construct, id: string, props: DashboardProps): CfnDashboard {
  const watched = new Set(props.rows.map(row => row.source.name))
  const others = (Object.keys(metrics) as MetricName[]).filter(name => !watched.has(name))
  const tiles = [
    ...props.rows.map(row => redTile(row, props)),
    ...others.map(name => plainTile(name, props.names.repository)),
  ]
  // Without a position widgets stand in their order, and a tile is 6 by 6 of 24 columns: CloudWatch's defaults ("Dashboard body
  // structure and syntax"), which keep the largest template small enough.
  const body = {
    start: '-P14D',
    widgets: [
      { type: 'alarm', width: 24, height: 3, properties: { title: 'Alarms', alarms: props.alarmArns } },
      ...tiles.map(properties => ({ type: 'metric', properties })),
      { type: 'text', width: 24, height: 9, properties: { markdown: runbookTable(props.rows) } },
    ],
  }
  return new CfnDashboard(scope, id, {
    dashboardName: props.name,
    dashboardBody: substituted(scope, Stack.of(scope).toJsonString(body)),
  })
}

function redTile(row: AlarmRow, props: DashboardProps) {
  const metric = metricOf(row.source, props.names)
  return {
    ...tile(row.title, [metric.namespace, metric.name, metric.dimension, metric.value]),
    stat: row.statistic,
    period: row.periodSeconds,
    yAxis: { left: { min: 0 } },
    annotations: {
      horizontal: [
        {
          value: row.threshold,
          label: row.id,
          color: red,
          fill: row.when === 'less-than' ? 'below' : 'above',
        },
      ],
    },
  }
}

/** Its axis may go below 0: a debt that shrinks has a negative trend. */
function plainTile(name: MetricName, repository: string) {
  return { ...tile(name, [namespace, name, repositoryDimension, repository]), stat: 'Maximum', period: 3_600 }
}

function tile(title: string, metric: readonly string[]) {
  return { title, region: Aws.REGION, metrics: [metric] }
}
