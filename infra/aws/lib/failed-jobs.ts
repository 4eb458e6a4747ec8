/**
 * Batch has no metric for failed jobs, so a rule catches their events. The alarm counts how often the rule fired, and a queue keeps
 * the events with their reasons for whoever is called.
 */
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Rule } from 'aws-cdk-lib/aws-events'
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { addQueue } from './queue.ts'

/** Returns the name of the rule. */
export function addFailedJobs(scope: Construct, id: string, jobQueueArn: string, key: IKey): string {
  const queue = addQueue(scope, `${id}Queue`, key)
  const rule = new Rule(scope, id, {
    description: 'Jobs of Snapproof that failed',
    eventPattern: {
      source: ['aws.batch'],
      detailType: ['Batch Job State Change'],
      detail: { status: ['FAILED'], jobQueue: [jobQueueArn] },
    },
    targets: [new SqsQueue(queue, { retryAttempts: 10, maxEventAge: Duration.hours(2) })],
  })
  rule.applyRemovalPolicy(RemovalPolicy.DESTROY)
  return rule.ruleName
}
