/**
 * The names of everything that is put to CloudWatch. Constants only: the stacks build alarms and dashboards from them.
 *
 * Gauges, never counters: each returns to normal by itself when the trouble is over. One dimension, `Repository`, with
 * the configured name; a dimension of snapshots or indices would cost a metric for each.
 */
export const namespace = 'Snapproof'
export const repositoryDimension = 'Repository'

interface MetricMeta {
  /** A `StandardUnit` of CloudWatch. `None` for what CloudWatch has no unit for: hours, days, nights. */
  readonly unit: 'Count' | 'Bytes' | 'Bytes/Second' | 'Seconds' | 'None'
  readonly meaning: string
}

/** In the order in which they are put; the heartbeat is last. */
export const metrics = {
  ErrorFindings: {
    unit: 'Count',
    meaning: 'Errors that nobody has accepted, those that hit no single snapshot included.',
  },
  FailedSnapshots: {
    unit: 'Count',
    meaning:
      'Snapshots that do not restore whole, or break a rule of severity error, and that no accepted finding explains, found now or not cured since.',
  },
  FailedContents: { unit: 'Count', meaning: 'Contents whose last restore failed and that no later one has cured.' },
  AuditorBlind: {
    unit: 'Count',
    meaning:
      '1 from a run whose self-check failed, and from an audit that could not look or came to no conclusion; 0 from one that did its work.',
  },
  SnapshotsInconclusive: { unit: 'Count', meaning: 'Snapshots that are neither proven nor failing: not known yet.' },
  SnapshotsProven: { unit: 'Count', meaning: 'Snapshots that are proven to restore.' },
  DebtContents: {
    unit: 'Count',
    meaning: 'Contents that the policy wants proven and that are not, or not recently enough.',
  },
  DebtBytes: { unit: 'Bytes', meaning: 'Size of the debt on the restored disk.' },
  DebtOverdue: { unit: 'Count', meaning: 'Contents in debt beyond the time that the policy allows.' },
  OldestDebtDays: { unit: 'None', meaning: 'Age of the oldest debt in days; 0 when there is none.' },
  NightsToCatchUp: { unit: 'None', meaning: 'Nights of this size until the debt is gone; 0 when there is none.' },
  DebtTrend: {
    unit: 'None',
    meaning: 'Contents by which the debt grew (above 0) or shrank (below 0) in a run, on average over the last seven.',
  },
  NewestSnapshotAgeHours: { unit: 'None', meaning: 'Hours since the newest completed snapshot ended.' },
  NewestGoodSnapshotAgeHours: {
    unit: 'None',
    meaning: 'Hours since the newest snapshot ended that is proven to restore: the data that a disaster costs now.',
  },
  RestoreBytesPerSecond: {
    unit: 'Bytes/Second',
    meaning: 'Restored bytes by time to fetch and restore, over the passes of this run.',
  },
  FullRestoreSeconds: {
    unit: 'Seconds',
    meaning: 'What the newest complete snapshot would take to restore whole, by the restores of this run.',
  },
  RunSeconds: { unit: 'Seconds', meaning: 'Duration of the run.' },
  BytesRead: { unit: 'Bytes', meaning: 'Bytes read from the object store.' },
  BytesRestored: { unit: 'Bytes', meaning: 'Bytes that the throwaway server put on its disk.' },
  Heartbeat: { unit: 'Count', meaning: '1 from each audit that did its work; missing means that nobody looked.' },
} as const satisfies Record<string, MetricMeta>
/** What `doctor` puts to see whether metrics are taken. No alarm and no tile looks at it. */
export const probeMetric = 'DoctorProbe'
export type MetricName = keyof typeof metrics
