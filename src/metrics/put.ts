/** Puts metric data and waits for the answer. The only user of the CloudWatch SDK. */
import { CloudWatchClient, type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { awsSettings } from '../aws.ts'
import { SnapproofError } from '../errors.ts'
import { type Clock, withDeadline } from '../time.ts'
import { type MetricName, namespace, probeMetric, repositoryDimension } from './names.ts'

export interface PutMetricsOptions {
  /** Absent or null: what the SDK's own chain says. */
  readonly region?: string | null | undefined
  /** Another endpoint than that of AWS, for stand-ins. */
  readonly endpointUrl?: string | null | undefined
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** For all calls together; 60 s unless told. */
  readonly timeoutMs?: number | undefined
}

const heartbeat: MetricName = 'Heartbeat'
/** Well below the 1,000 that one call may carry (API reference of PutMetricData). */
const dataPerCall = 500

/**
 * Puts all data, the heartbeat in a call of its own after the rest was taken: a heartbeat says that everything before it
 * arrived. Nothing to put: no call. Credentials come from the SDK's default chain.
 *
 * @throws SnapproofError `metrics-not-put` when a call is refused, not answered, or not made in time; the reason that
 *   the signal was aborted with, when it was
 */
export async function putMetrics(options: PutMetricsOptions, data: readonly MetricDatum[]): Promise<void> {
  const gauges = data.filter(datum => datum.MetricName !== heartbeat)
  const calls: (readonly MetricDatum[])[] = []
  for (let i = 0; i < gauges.length; i += dataPerCall) calls.push(gauges.slice(i, i + dataPerCall))
  const beats = data.filter(datum => datum.MetricName === heartbeat)
  if (beats.length > 0) calls.push(beats)
  if (calls.length === 0) return

  const startedMs = options.clock.monotonicMs()
  const signal = withDeadline(options.signal, options.timeoutMs ?? 60_000, 'putting the metrics')
  const client = new CloudWatchClient(awsSettings(options))
  try {
    for (const call of calls) {
      signal.throwIfAborted()
      await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData: [...call] }), {
        abortSignal: signal,
      })
    }
  } catch (cause) {
    if (options.signal?.aborted === true) throw options.signal.reason
    const seconds = Math.round((options.clock.monotonicMs() - startedMs) / 100) / 10
    throw new SnapproofError(
      'metrics-not-put',
      `CloudWatch did not take the metrics of namespace ${namespace} (${seconds} s)`,
      {
        advice:
          'Allow cloudwatch:PutMetricData to the role, check region and endpoint, or switch metrics off with --no-metrics.',
        cause: signal.aborted ? signal.reason : cause,
      },
    )
  } finally {
    client.destroy()
  }
}

/** One datum that nothing looks at, so that `doctor` knows whether the metrics of a run would be taken. @throws as `putMetrics` */
export function putProbe(options: PutMetricsOptions, repository: string): Promise<void> {
  const dimensions = [{ Name: repositoryDimension, Value: repository }]
  return putMetrics(options, [{ MetricName: probeMetric, Dimensions: dimensions, Unit: 'None', Value: 1 }])
}
