/**
 * Batch has no metric for failed jobs, so a rule catches their events, and those of failed nights on many machines. The alarm counts how often the rule fired, and a queue keeps
 * the events with their reasons for whoever is called.
 */
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { CfnRule, Rule } from 'aws-cdk-lib/aws-events'
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { addQueue } from './queue.ts'

export interface Watched {
  readonly jobQueueArn: string
  /** Of a night on many machines; null: there is none. */
  readonly stateMachineArn: string | null
}

/** Returns the name of the rule. */
export function addFailedJobs(
  scope: Construct,
  id: string,
  { jobQueueArn, stateMachineArn }: Watched,
  key: IKey,
): string {
  const queue = addQueue(scope, `${id}Queue`, key)
  const rule = new Rule(scope, id, {
    description: 'Jobs of Snapproof that failed',
    eventPattern: { source: ['aws.batch'] },
    targets: [new SqsQueue(queue, { retryAttempts: 10, maxEventAge: Duration.hours(2) })],
  })
  const jobs = {
    source: ['aws.batch'],
    'detail-type': ['Batch Job State Change'],
    detail: { status: ['FAILED'], jobQueue: [jobQueueArn] },
  }
  const nights = {
    source: ['aws.states'],
    'detail-type': ['Step Functions Execution Status Change'],
    detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [stateMachineArn] },
  }
  // The construct of CDK has no `$or`.
  const resource = rule.node.defaultChild
  if (resource instanceof CfnRule) resource.eventPattern = stateMachineArn === null ? jobs : { $or: [jobs, nights] }
  rule.applyRemovalPolicy(RemovalPolicy.DESTROY)
  return rule.ruleName
}
