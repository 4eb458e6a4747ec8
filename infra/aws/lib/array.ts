/** The state machine that runs a night on many machines, and what it may do: start our jobs, and read the size of an array. */
import { ArnFormat, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { RegionInfo } from 'aws-cdk-lib/region-info'
import { Construct } from 'constructs'
import { arrayDefinition, type StepTime, type Substitution, sizeName } from './array-definition.ts'
import { acknowledgeWildcards } from './nag.ts'
import type { Storage } from './storage.ts'

export interface ArrayProps {
  readonly jobName: string
  readonly jobQueueArn: string
  readonly jobDefinitionArn: string
  /** At most so many machines. */
  readonly children: number
  readonly storage: Storage
  /** Of one child. */
  readonly timeout: Duration
  readonly planTimeout: Duration
  readonly collectTimeout: Duration
  /** How long a job may wait for a machine. */
  readonly queuedTimeout: Duration
}

/** The plain templates know no region; they are those of the public partition. */
function partitionOf(region: string): string {
  return (Token.isUnresolved(region) ? undefined : RegionInfo.get(region).partition) ?? 'aws'
}

export class ArrayMachine extends Construct {
  readonly stateMachineArn: string
  /** From the start until `collect` has ended, waits for machines included but for the first. */
  readonly timeout: Duration

  constructor(scope: Construct, id: string, props: ArrayProps) {
    super(scope, id)
    const { storage } = props
    const waited = (time: Duration, waits: number): StepTime => ({
      jobSeconds: time.toSeconds(),
      stepSeconds: time.toSeconds() + waits * props.queuedTimeout.toSeconds(),
    })
    const times = {
      plan: waited(props.planTimeout, 1),
      // A child whose spot machine was taken waits again, and is given the rest of this.
      work: waited(props.timeout, 2),
      collect: waited(props.collectTimeout, 1),
    }
    this.timeout = Duration.seconds(
      Object.values(times).reduce((sum, { stepSeconds }) => sum + stepSeconds, 0) - props.queuedTimeout.toSeconds(),
    )
    const role = this.#role(props)
    const log = new LogGroup(this, 'Log', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    const put: Record<Substitution, string> = {
      JobName: props.jobName,
      JobQueue: props.jobQueueArn,
      JobDefinition: props.jobDefinitionArn,
      Bucket: storage.ledgerBucket.bucketName,
      Prefix: storage.prefixes.arrays,
      Children: String(props.children),
    }
    const machine = new CfnStateMachine(this, 'Night', {
      definition: arrayDefinition(times, partitionOf(Stack.of(this).region)),
      definitionSubstitutions: put,
      roleArn: role.roleArn,
      stateMachineType: 'STANDARD',
      loggingConfiguration: {
        level: 'ALL',
        includeExecutionData: true,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: log.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    })
    // Its rights are tried out at its creation.
    const policy = role.node.tryFindChild('DefaultPolicy')
    if (policy !== undefined) machine.node.addDependency(policy)
    this.stateMachineArn = machine.attrArn
  }

  #role({ storage, jobQueueArn, jobDefinitionArn }: ArrayProps): Role {
    const stack = Stack.of(this)
    const role = new Role(this, 'Role', {
      description: 'Step Functions runs a night of Snapproof as jobs of AWS Batch',
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
      }),
    })
    const { ledgerBucket, key, prefixes } = storage
    const jobs = stack.formatArn({ service: 'batch', resource: 'job', resourceName: '*' })
    const rule = stack.formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: 'StepFunctionsGetEventsForBatchJobsRule',
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    })
    const sizes = ledgerBucket.arnForObjects(`${prefixes.arrays}*/${sizeName}`)
    const statements: readonly (readonly [string, PolicyStatement])[] = [
      ['', new PolicyStatement({ actions: ['batch:SubmitJob'], resources: [jobQueueArn, jobDefinitionArn] })],
      [
        'The id of a job is made when it is submitted; the step that times out ends its own.',
        new PolicyStatement({ actions: ['batch:TerminateJob'], resources: [jobs] }),
      ],
      [
        '',
        new PolicyStatement({
          actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
          resources: [rule],
        }),
      ],
      [
        'One small object for each night, in a folder named like the execution.',
        new PolicyStatement({ sid: 'ReadSize', actions: ['s3:GetObject'], resources: [sizes] }),
      ],
      [
        '',
        new PolicyStatement({
          // Without it an object that is not there would answer 403, as if it might not be read.
          sid: 'TellMissingFromForbidden',
          actions: ['s3:ListBucket'],
          resources: [ledgerBucket.bucketArn],
          conditions: { StringLikeIfExists: { 's3:prefix': [`${prefixes.arrays}*`] } },
        }),
      ],
      [
        '',
        new PolicyStatement({
          actions: ['kms:Decrypt'],
          resources: [key.keyArn],
          conditions: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
        }),
      ],
      [
        'DescribeJobs, the delivery of logs and X-Ray know no resources.',
        new PolicyStatement({
          actions: [
            'batch:DescribeJobs',
            'logs:CreateLogDelivery',
            'logs:GetLogDelivery',
            'logs:UpdateLogDelivery',
            'logs:DeleteLogDelivery',
            'logs:ListLogDeliveries',
            'logs:PutResourcePolicy',
            'logs:DescribeResourcePolicies',
            'logs:DescribeLogGroups',
            'xray:PutTraceSegments',
            'xray:PutTelemetryRecords',
            'xray:GetSamplingRules',
            'xray:GetSamplingTargets',
          ],
          resources: ['*'],
        }),
      ],
    ]
    for (const [reason, statement] of statements) {
      role.addToPolicy(statement)
      if (reason !== '') acknowledgeWildcards(role, statement.resources, reason)
    }
    return role
  }
}
