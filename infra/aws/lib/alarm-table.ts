/**
 * The one table of what can go wrong. Alarms, composites, red tiles of the dashboard and the runbook are made from it, so
 * none of them can lack a row. Pure: no AWS, no CDK.
 */
import { type MetricName, namespace, repositoryDimension } from '../../../src/metrics/names.ts'
import type { HeartbeatWindow } from './heartbeat-window.ts'

/** Whose numbers: ours, or a service's, by the one dimension that names our resource. */
export type MetricSource =
  | { readonly of: 'repository'; readonly name: MetricName }
  | { readonly of: 'codebuild-project'; readonly name: 'FailedBuilds' }
  | { readonly of: 'event-rule'; readonly name: 'TriggeredRules' }
  | { readonly of: 'dead-letter-queue'; readonly name: 'ApproximateNumberOfMessagesVisible' }

export interface AlarmRow {
  readonly id: string
  /** Which composite: `page` wakes somebody, `ticket` waits for the morning. */
  readonly level: 'page' | 'ticket'
  readonly title: string
  readonly source: MetricSource
  readonly statistic: 'Sum' | 'Maximum' | 'Minimum'
  /** In ALARM while the statistic of one period is so. */
  readonly when: 'at-least' | 'more-than' | 'less-than'
  readonly threshold: number
  readonly periodSeconds: number
  /** Period aligned to calendar weeks of this time zone; null: sliding. */
  readonly calendarZone: string | null
  /** Periods looked at, all of which must breach. */
  readonly periods: number
  readonly missing: 'breaching' | 'notBreaching' | 'ignore'
  /** Periods without a datum count as 0 by `FILL`, see `missed-run`. */
  readonly missingIsZero: boolean
  /** A new alarm keeps still for so long; CloudWatch allows 2,880 at most. */
  readonly warmUpMinutes: number
  readonly meaning: string
  readonly firstLook: string
  readonly fix: string
}

export interface AlarmOptions {
  readonly heartbeat: HeartbeatWindow
  readonly compute: 'codebuild' | 'batch'
  /** Age from which the newest snapshot is too old. */
  readonly newestSnapshotMaxAgeHours: number
  /** Slower restores than this are a ticket; null: no target, no alarm. */
  readonly restoreTargetBytesPerSecond: number | null
}

const hour = 3_600
const day = 24 * hour
const longestWarmUpMinutes = 2_880

/**
 * A gauge is put once a run. `ignore` keeps its alarm as the last run left it, so that a missed night turns nothing green; it
 * returns to OK when a run puts a good value. An hour is long enough to bridge a hiccup of the evaluation.
 */
const gauge = {
  periodSeconds: hour,
  calendarZone: null,
  periods: 1,
  missing: 'ignore',
  missingIsZero: false,
  warmUpMinutes: 0,
} as const

/**
 * Counts of a service, which puts nothing where nothing happened. A day, so that the tile is still red in the morning.
 */
const counter = { ...gauge, periodSeconds: day, missing: 'notBreaching' } as const

export function alarmTable(options: AlarmOptions): AlarmRow[] {
  const { heartbeat } = options
  const rows: AlarmRow[] = [
    {
      id: 'missed-run',
      level: 'page',
      title: 'No audit did its work',
      source: { of: 'repository', name: 'Heartbeat' },
      statistic: 'Sum',
      when: 'less-than',
      threshold: 1,
      periodSeconds: heartbeat.seconds,
      calendarZone: heartbeat.kind === 'sliding' ? null : heartbeat.timeZone,
      periods: 1,
      missing: 'breaching',
      // CloudWatch looks back further than `EvaluationPeriods` and judges the newest data it finds, so without FILL last
      // night's heartbeat would answer for tonight's ("How alarm state is evaluated when data is missing").
      missingIsZero: true,
      warmUpMinutes: Math.min(heartbeat.seconds / 60, longestWarmUpMinutes),
      meaning:
        'No audit has done its work within the time that the schedule allows: none started, none finished, or none came to a conclusion. Nobody knows whether the snapshots restore.',
      firstLook:
        'The log of the last run (CodeBuild history or Batch jobs). None there: the dead-letter queue and the schedule (enabled? role?).',
      fix: 'Remove the cause that the log names and start an audit by hand. The alarm returns to OK with its heartbeat.',
    },
    {
      id: 'failed-verification',
      level: 'page',
      title: 'Snapshots that do not restore',
      source: { of: 'repository', name: 'FailedSnapshots' },
      statistic: 'Maximum',
      when: 'at-least',
      threshold: 1,
      ...gauge,
      meaning: 'Snapshots do not restore whole, found by the last run or by an earlier one and not cured.',
      firstLook:
        'report.html of the last run: its first screen names the snapshots, the fault, and the newest good one.',
      fix: 'Each finding says what to do; most often: recover the object from a bucket version, or take a new snapshot while the cluster still has the data. What cannot be mended is accepted in the configuration, with a date and a name.',
    },
    {
      id: 'error-findings',
      level: 'page',
      title: 'Errors in the repository',
      source: { of: 'repository', name: 'ErrorFindings' },
      statistic: 'Maximum',
      when: 'at-least',
      threshold: 1,
      ...gauge,
      meaning: 'The last run found errors that nobody has accepted, those included that hit no single snapshot.',
      firstLook: 'The findings in report.html of the last run.',
      fix: 'As the finding says; the README lists every code with its advice.',
    },
    {
      id: 'newest-snapshot-too-old',
      level: 'page',
      title: 'Age of the newest snapshot',
      source: { of: 'repository', name: 'NewestSnapshotAgeHours' },
      statistic: 'Maximum',
      when: 'more-than',
      threshold: options.newestSnapshotMaxAgeHours,
      ...gauge,
      meaning: 'Nobody has taken a snapshot for too long. The audit is fine; the backup does not run.',
      firstLook: 'GET _slm/policy on the cluster, or whatever takes its snapshots.',
      fix: 'Repair the snapshot policy and take a snapshot. The alarm returns to OK with the next audit that sees it.',
    },
    {
      id: 'auditor-blind',
      level: 'page',
      title: 'Audits that could not look',
      source: { of: 'repository', name: 'AuditorBlind' },
      statistic: 'Maximum',
      when: 'at-least',
      threshold: 1,
      ...gauge,
      meaning:
        'An audit ran and could not do its work, or all its restores ended in trouble of our own. It proves nothing.',
      firstLook:
        'The exit reason in run.json and the last lines of the log; then `snapproof doctor` with the same role.',
      fix: 'Permissions, key policy, disk, or engine version, as `doctor` says. Then start an audit by hand.',
    },
    {
      id: 'debt-beyond-policy',
      level: 'ticket',
      title: 'Contents overdue by the policy',
      source: { of: 'repository', name: 'DebtOverdue' },
      statistic: 'Maximum',
      when: 'at-least',
      threshold: 1,
      ...gauge,
      meaning: 'Contents were not proven within the time that the policy allows. Nothing is known to be bad.',
      firstLook:
        'Debt and nights to catch up on the dashboard: do they fall? What limits the run: time, bytes, snapshots?',
      fix: 'Raise limits, time or machine, run more often, or allow the policy more time.',
    },
    {
      id: 'failed-executions',
      level: 'ticket',
      title: 'Executions that failed',
      source:
        options.compute === 'codebuild'
          ? { of: 'codebuild-project', name: 'FailedBuilds' }
          : { of: 'event-rule', name: 'TriggeredRules' },
      statistic: 'Sum',
      when: 'at-least',
      threshold: 1,
      ...counter,
      meaning:
        'A run broke off: time over, image not pulled, host lost, configuration wrong, or exit code 2. Findings do not count here, they have alarms of their own.',
      firstLook:
        options.compute === 'codebuild'
          ? 'The history of the CodeBuild project, failed phase and log.'
          : 'The failed-jobs queue holds the event with its reason; then the log of the job.',
      fix: 'Remove the cause and start an audit by hand; if you do nothing, the next night tries again.',
    },
    {
      id: 'dead-letters',
      level: 'ticket',
      title: 'Starts that were not delivered',
      source: { of: 'dead-letter-queue', name: 'ApproximateNumberOfMessagesVisible' },
      statistic: 'Maximum',
      when: 'at-least',
      threshold: 1,
      ...gauge,
      meaning: 'The schedule or the event rule could not start a run, with all its retries.',
      firstLook: 'The message in the dead-letter queue: its attributes hold the error of the target.',
      fix: 'Repair the role or the target, start an audit by hand, purge the queue. The alarm returns to OK when it is empty.',
    },
  ]
  if (options.restoreTargetBytesPerSecond !== null) {
    rows.push({
      id: 'restore-too-slow',
      level: 'ticket',
      title: 'Restore speed',
      source: { of: 'repository', name: 'RestoreBytesPerSecond' },
      statistic: 'Minimum',
      when: 'less-than',
      threshold: options.restoreTargetBytesPerSecond,
      ...gauge,
      meaning:
        'Restores of the last run, fetching included, were slower than the target. A disaster would take longer than planned.',
      firstLook: 'Restore times in report.html: all slow, or one index? Did the machine or its disk change?',
      fix: 'A larger machine or disk; if the repository itself answers slowly, its storage class and region.',
    })
  }
  return rows
}

/** CloudWatch's names for a source. */
export function metricOf(
  source: MetricSource,
  names: Readonly<Record<MetricSource['of'], string>>,
): { readonly namespace: string; readonly name: string; readonly dimension: string; readonly value: string } {
  const at = {
    repository: { namespace, dimension: repositoryDimension },
    'codebuild-project': { namespace: 'AWS/CodeBuild', dimension: 'ProjectName' },
    'event-rule': { namespace: 'AWS/Events', dimension: 'RuleName' },
    'dead-letter-queue': { namespace: 'AWS/SQS', dimension: 'QueueName' },
  }[source.of]
  return { ...at, name: source.name, value: names[source.of] }
}
