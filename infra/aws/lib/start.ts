/** What starts a run: the schedule, and where it is wanted the event that a snapshot was taken. */
import { Duration, Stack } from 'aws-cdk-lib'
import { CfnEventBusPolicy, CfnRule, EventBus } from 'aws-cdk-lib/aws-events'
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { Compute } from './compute.ts'
import { basePrefix, type RepositoryProps } from './repository.ts'

export interface ScheduleProps {
  /** `cron(…)` or `rate(…)` of EventBridge Scheduler, at least once a week. @default `cron(0 1 * * ? *)` */
  readonly expression?: string
  /** IANA name. @default `UTC` */
  readonly timeZone?: string
  /** A start may be moved by up to this, so that not everything starts at once. @default 15 minutes */
  readonly flexibleWindow?: Duration
  /** How long a start is tried again. @default 2 hours */
  readonly retryFor?: Duration
  /** @default true */
  readonly enabled?: boolean
}

export interface EventPathProps {
  /** Time for a look that an event started. @default 1 hour */
  readonly duration?: Duration
}

export const scheduleDefaults = {
  expression: 'cron(0 1 * * ? *)',
  timeZone: 'UTC',
  flexibleWindow: Duration.minutes(15),
  retryFor: Duration.hours(2),
} as const

const retries = 20

export interface StartProps {
  readonly compute: Compute
  readonly deadLetters: Queue
  readonly key: IKey
  readonly repository: RepositoryProps
  readonly schedule: ScheduleProps
  readonly eventPath: EventPathProps | null
}

export class Start extends Construct {
  readonly schedule: CfnSchedule
  /** Where another account's rule sends its events; null: events are off, or the bucket is in this account. */
  readonly eventBusArn: string | null = null

  constructor(scope: Construct, id: string, props: StartProps) {
    super(scope, id)
    this.schedule = this.#schedule(props.schedule, props.compute, props.deadLetters, props.key)
    if (props.eventPath !== null) {
      this.eventBusArn = this.#eventPath(props.eventPath, props)
    }
  }

  #schedule(props: ScheduleProps, compute: Compute, deadLetters: Queue, key: IKey): CfnSchedule {
    const { account } = Stack.of(this)
    const group = new CfnScheduleGroup(this, 'Group')
    const role = new Role(this, 'ScheduleRole', {
      description: 'EventBridge Scheduler starts audits',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': account, 'aws:SourceArn': group.attrArn } },
      }),
    })
    for (const statement of compute.target.permissions) role.addToPolicy(statement)
    role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }))
    role.addToPolicy(new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [key.keyArn] }))
    const window = props.flexibleWindow ?? scheduleDefaults.flexibleWindow
    const retryFor = props.retryFor ?? scheduleDefaults.retryFor
    const schedule = new CfnSchedule(this, 'Schedule', {
      description: 'Snapproof: the nightly audit',
      groupName: group.ref,
      scheduleExpression: props.expression ?? scheduleDefaults.expression,
      scheduleExpressionTimezone: props.timeZone ?? scheduleDefaults.timeZone,
      flexibleTimeWindow:
        window.toMinutes() === 0 ? { mode: 'OFF' } : { mode: 'FLEXIBLE', maximumWindowInMinutes: window.toMinutes() },
      state: (props.enabled ?? true) ? 'ENABLED' : 'DISABLED',
      target: {
        arn: compute.target.arn,
        roleArn: role.roleArn,
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: retryFor.toSeconds(), maximumRetryAttempts: retries },
        ...(compute.target.input === null ? {} : { input: compute.target.input }),
      },
    })
    // The schedule is tried out at its creation; the policy of its role must be there by then.
    const policy = role.node.tryFindChild('DefaultPolicy')
    if (policy !== undefined) schedule.node.addDependency(policy)
    return schedule
  }

  /**
   * `index-N` is the last object of a snapshot that matters: the root `snap-` is written before its generation. Snapshots
   * that are deleted write one too. The wildcard cannot match `indices/…` or `index.latest`.
   */
  #eventPath(props: EventPathProps, { compute, deadLetters, key, repository }: StartProps): string | null {
    const role = new Role(this, 'EventRole', {
      description: 'EventBridge starts a look at what is new',
      assumedBy: new ServicePrincipal('events.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    })
    for (const statement of compute.target.eventPermissions) role.addToPolicy(statement)
    const bus = repository.account === undefined ? null : new EventBus(this, 'Bus')
    if (bus !== null) {
      new CfnEventBusPolicy(this, 'BusPolicy', {
        eventBusName: bus.eventBusName,
        statementId: 'OwnerOfTheBucket',
        statement: {
          Effect: 'Allow',
          Principal: { AWS: repository.account },
          Action: 'events:PutEvents',
          Resource: bus.eventBusArn,
        },
      })
    }
    const duration = props.duration ?? Duration.hours(1)
    const rule = new CfnRule(this, 'NewSnapshot', {
      description: 'Snapproof: a generation was written',
      ...(bus === null ? {} : { eventBusName: bus.eventBusName }),
      eventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [repository.bucketName] },
          object: { key: [{ wildcard: `${basePrefix(repository)}index-*` }] },
        },
      },
      targets: [
        {
          id: 'look',
          roleArn: role.roleArn,
          ...compute.target.eventTarget({ SNAPPROOF_LIMITS_DURATION: `${duration.toMinutes()}m` }),
          deadLetterConfig: { arn: deadLetters.queueArn },
          retryPolicy: { maximumEventAgeInSeconds: 3_600, maximumRetryAttempts: retries },
        },
      ],
    })
    deadLetters.addToResourcePolicy(
      new PolicyStatement({
        sid: 'UndeliveredEvents',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [deadLetters.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': rule.attrArn } },
      }),
    )
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'UndeliveredEventsEncrypt',
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    )
    return bus?.eventBusArn ?? null
  }
}

export function scheduleProblems(props: ScheduleProps): string[] {
  const window = (props.flexibleWindow ?? scheduleDefaults.flexibleWindow).toMinutes()
  const retryFor = (props.retryFor ?? scheduleDefaults.retryFor).toSeconds()
  return [
    window > 1_440 ? `schedule.flexibleWindow of ${window} min: at most a day` : null,
    retryFor < 60 || retryFor > 86_400 ? `schedule.retryFor of ${retryFor} s: a minute to a day` : null,
  ].filter(problem => problem !== null)
}
