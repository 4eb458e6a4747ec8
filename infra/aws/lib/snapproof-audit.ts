/**
 * `SnapproofAudit`: everything that one repository's nightly audit needs on AWS. Made from templates and their tests; it was never
 * deployed to an account.
 */
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib'
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { namespace } from '../../../src/metrics/names.ts'
import { type AlarmRow, alarmTable, type MetricSource } from './alarm-table.ts'
import { Alarms } from './alarms.ts'
import { auditorConfig, type SettingsProps } from './auditor-config.ts'
import { BatchCompute, type BatchProps, batchProblems } from './batch.ts'
import { CodeBuildCompute, type CodeBuildProps, codeBuildProblems } from './codebuild.ts'
import type { Compute } from './compute.ts'
import { addDashboard } from './dashboard.ts'
import { heartbeatWindow } from './heartbeat-window.ts'
import { type AuditImage, imageProblems, resolveImage } from './image.ts'
import { acknowledgeFindings, acknowledgeWildcards } from './nag.ts'
import { addTopic, type NotificationProps, notificationProblems, secretsOf } from './notifications.ts'
import { requireNoProblems } from './problems.ts'
import { addQueue } from './queue.ts'
import { ownersBucketPolicy, type RepositoryProps, repositoryProblems, repositoryStatements } from './repository.ts'
import { type EventPathProps, type ScheduleProps, Start, scheduleDefaults, scheduleProblems } from './start.ts'
import { type SealLock, Storage } from './storage.ts'
import { substituted } from './substitute.ts'

export interface SnapproofAuditProps {
  readonly repository: RepositoryProps
  readonly image: AuditImage
  /** Where a run happens. @default CodeBuild with its defaults */
  readonly compute?: CodeBuildProps | BatchProps
  readonly schedule?: ScheduleProps
  /** A look at what is new as soon as a snapshot was taken. EventBridge must be switched on at the bucket. @default off */
  readonly eventPath?: EventPathProps
  readonly notifications?: NotificationProps
  readonly settings?: SettingsProps
  /** The newest snapshot may be so old when an audit looks. @default 36 hours */
  readonly newestSnapshotMaxAge?: Duration
  /** Bytes a second, fetching included. @default no target, no alarm */
  readonly restoreTargetBytesPerSecond?: number
  /** How long an overwritten ledger can be brought back. @default 90 days */
  readonly ledgerVersions?: Duration
  /** Object Lock of the seal bucket; at its creation only. @default none */
  readonly sealLock?: SealLock
  /** Key of buckets, queues and topic. @default a new one */
  readonly key?: IKey
  /** Repeated in every alarm. @default the runbook of this repository's infra/README.md */
  readonly runbookUrl?: string
}

export class SnapproofAudit extends Construct {
  /** What a run may do. */
  readonly role: Role
  readonly storage: Storage
  readonly topic: Topic
  readonly compute: Compute
  readonly alarms: Alarms
  readonly alarmRows: readonly AlarmRow[]

  /** @throws Error with everything that is wrong with the props; ScheduleError for expression and time zone */
  constructor(scope: Construct, id: string, props: SnapproofAuditProps) {
    super(scope, id)
    const stack = Stack.of(this)
    const { repository, compute = { kind: 'codebuild' }, schedule = {}, notifications = {}, settings = {} } = props
    const newestSnapshotMaxAge = props.newestSnapshotMaxAge ?? Duration.hours(36)
    requireNoProblems([
      ...repositoryProblems(repository, stack),
      ...imageProblems(props.image),
      ...(compute.kind === 'batch' ? batchProblems(compute) : codeBuildProblems(compute)),
      ...scheduleProblems(schedule),
      ...notificationProblems(notifications),
    ])

    this.storage = new Storage(this, 'Storage', {
      repositoryName: repository.name,
      ...(props.key === undefined ? {} : { key: props.key }),
      ...(props.ledgerVersions === undefined ? {} : { ledgerVersions: props.ledgerVersions }),
      ...(props.sealLock === undefined ? {} : { sealLock: props.sealLock }),
    })
    const { key } = this.storage
    this.topic = addTopic(this, 'Notifications', key, notifications)
    const deadLetters = addQueue(this, 'DeadLetters', key)
    this.role = this.#auditorRole(compute.kind, repository)
    this.storage.allowSealing(this.role)
    const context = {
      role: this.role,
      image: resolveImage(this, props.image),
      repositoryName: repository.name,
      storage: this.storage,
      secrets: secretsOf(notifications),
      configJson: substituted(
        this,
        stack.toJsonString(auditorConfig(repository, this.storage, settings, compute, this.topic.topicArn)),
      ),
    }
    this.compute =
      compute.kind === 'batch'
        ? new BatchCompute(this, 'Batch', compute, context)
        : new CodeBuildCompute(this, 'CodeBuild', compute, context)
    const start = new Start(this, 'Start', {
      compute: this.compute,
      deadLetters,
      key,
      repository,
      schedule,
      eventPath: props.eventPath ?? null,
    })

    this.alarmRows = alarmTable({
      heartbeat: heartbeatWindow({
        expression: schedule.expression ?? scheduleDefaults.expression,
        timeZone: schedule.timeZone ?? scheduleDefaults.timeZone,
        allowanceSeconds: [
          schedule.flexibleWindow ?? scheduleDefaults.flexibleWindow,
          schedule.retryFor ?? scheduleDefaults.retryFor,
          this.compute.queuedTimeout,
          this.compute.timeout,
        ].reduce((sum, duration) => sum + duration.toSeconds(), 0),
      }),
      compute: compute.kind,
      newestSnapshotMaxAgeHours: newestSnapshotMaxAge.toHours({ integral: false }),
      restoreTargetBytesPerSecond: props.restoreTargetBytesPerSecond ?? null,
    })
    const names: Record<MetricSource['of'], string> = {
      repository: repository.name,
      'codebuild-project': this.compute.failureSource,
      'event-rule': this.compute.failureSource,
      'dead-letter-queue': deadLetters.queueName,
    }
    const prefix = `snapproof-${repository.name}`
    this.alarms = new Alarms(this, 'Alarms', {
      rows: this.alarmRows,
      names,
      prefix,
      topicArn: this.topic.topicArn,
      runbookUrl: props.runbookUrl ?? 'Runbook: infra/README.md of Snapproof',
    })
    addDashboard(this, 'Dashboard', {
      rows: this.alarmRows,
      names,
      name: prefix,
      alarmArns: [...this.alarms.composites, ...this.alarms.byId.values()].map(alarm => alarm.attrArn),
    })
    this.#outputs(repository, start, prefix)
    acknowledgeFindings(this)
  }

  #auditorRole(kind: Compute['kind'], repository: RepositoryProps): Role {
    const stack = Stack.of(this)
    const role = new Role(this, 'AuditorRole', {
      description: 'Snapproof: reads the repository, writes its ledger and reports',
      assumedBy: new ServicePrincipal(kind === 'batch' ? 'ecs-tasks.amazonaws.com' : 'codebuild.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    })
    const statements = [
      ...repositoryStatements(stack, repository),
      ...this.storage.statements(),
      new PolicyStatement({
        sid: 'PutMetrics',
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': namespace } },
      }),
      // `doctor` asks whether anybody has confirmed.
      new PolicyStatement({
        sid: 'AskWhoIsTold',
        actions: ['sns:ListSubscriptionsByTopic'],
        resources: [this.topic.topicArn],
      }),
    ]
    for (const statement of statements) {
      role.addToPolicy(statement)
      const reason =
        statement.sid === 'PutMetrics'
          ? 'PutMetricData knows no resources; a condition binds it to our namespace.'
          : 'The wildcard ends a prefix: the objects of the repository, or our own.'
      if (statement.effect === Effect.ALLOW) acknowledgeWildcards(role, statement.resources, reason)
    }
    return role
  }

  #outputs(repository: RepositoryProps, start: Start, dashboard: string): void {
    const output = (id: string, description: string, value: string) => new CfnOutput(this, id, { description, value })
    output('FirstAudit', 'Starts an audit now', this.compute.firstAudit)
    output('Doctor', 'Asks whether everything is in place; read its log', this.compute.doctor)
    output('DashboardName', 'CloudWatch dashboard', dashboard)
    output('TopicArn', 'Notifications of the two composites', this.topic.topicArn)
    output('LedgerBucket', 'Ledger and reports', this.storage.ledgerBucket.bucketName)
    output('SealBucket', 'Seals', this.storage.sealBucket.bucketName)
    output('SealKey', 'For `seal public-key FILE --kms-key ARN`: what checks the seals', this.storage.sealKey.keyArn)
    output('AuditorRoleArn', 'Role of a run', this.role.roleArn)
    if (repository.account !== undefined) {
      const policy = ownersBucketPolicy(Stack.of(this), repository, this.role.roleArn)
      output(
        'RepositoryBucketPolicy',
        'To be added to the policy of the repository’s bucket by its owner, who also allows kms:Decrypt on the key',
        Stack.of(this).toJsonString(policy),
      )
    }
    if (start.eventBusArn !== null) {
      output(
        'EventBusArn',
        'Target of the rule by which the owner of the bucket forwards its events',
        start.eventBusArn,
      )
    }
  }
}
