/** Each sentence that infra/README.md says of the stack, read in its template. Nothing of it was deployed. */
import { App, Duration, Size, type Stack, Validations } from 'aws-cdk-lib'
import { Match, type Template } from 'aws-cdk-lib/assertions'
import { Vpc } from 'aws-cdk-lib/aws-ec2'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it, test } from 'vitest'
import { AuditStack, plainStack, plainTemplates } from '../../../infra/aws/lib/audit-stack.ts'
import { variables } from '../../../infra/aws/lib/command.ts'
import { acknowledged } from '../../../infra/aws/lib/nag.ts'
import type { SnapproofAuditProps } from '../../../infra/aws/lib/snapproof-audit.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { metrics } from '../../../src/metrics/names.ts'
import { alarmDefinitions } from './alarm-definitions.ts'
import { account, baseProps, flat, plainTemplate, type Resource, resource, resources, synth } from './templates.ts'

interface Statement {
  readonly Sid?: string
  readonly Effect: string
  readonly Action?: string | readonly string[]
  readonly NotAction?: readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
  readonly Principal?: unknown
}

const full = synth({
  eventPath: {},
  restoreTargetBytesPerSecond: 50_000_000,
  notifications: { emails: ['oncall@example.com'], webhooks: ['https://hooks.example.com/x'] },
  repository: {
    name: 'production',
    bucketName: 'snapshots',
    basePath: 'elastic/prod',
    account: '444455556666',
    kmsKeyArn: 'arn:aws:kms:eu-central-1:444455556666:key/k',
  },
})
const nightly = plainTemplate('codebuild-nightly')
const fargate = plainTemplate('batch-fargate-nightly')
const ec2 = plainTemplate('batch-ec2-spot-nightly')

const statementsOf = (found: Resource): Statement[] =>
  (found.Properties.PolicyDocument ?? found.Properties.KeyPolicy).Statement
const bySid = (template: Template, type: string, id: RegExp, sid: string) =>
  statementsOf(resource(template, type, id)).find(statement => statement.Sid === sid)
const role = (template: Template, sid: string) => bySid(template, 'AWS::IAM::Policy', /AuditorRoleDefaultPolicy/, sid)
const flatAll = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).map(flat)

describe('the repository', () => {
  it('may be listed below its base path and read, and nothing else: all else there is denied explicitly', () => {
    expect(role(full, 'ListRepository')).toMatchObject({
      Effect: 'Allow',
      Action: 's3:ListBucket',
      // A HEAD of a missing blob has no prefix; without this it would answer 403 instead of 404.
      Condition: { StringLikeIfExists: { 's3:prefix': ['elastic/prod/*'] } },
    })
    const read = role(full, 'ReadRepository')
    expect([read?.Action, flatAll(read?.Resource)]).toEqual([
      's3:GetObject',
      ['arn:<AWS::Partition>:s3:::snapshots/elastic/prod/*'],
    ])
    const deny = role(full, 'NothingElseInRepository')
    expect([deny?.Effect, deny?.NotAction]).toEqual(['Deny', ['s3:ListBucket', 's3:GetObject']])
    expect(flatAll(deny?.Resource)).toEqual([
      'arn:<AWS::Partition>:s3:::snapshots',
      'arn:<AWS::Partition>:s3:::snapshots/*',
    ])
  })

  it('of another account is decrypted by its key, and the policy that its owner adds is printed', () => {
    expect(role(full, 'DecryptRepository')).toMatchObject({
      Action: 'kms:Decrypt',
      Resource: 'arn:aws:kms:eu-central-1:444455556666:key/k',
      Condition: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
    })
    const [output] = Object.values(full.findOutputs('*')).filter(({ Description }) =>
      /added to the policy/.test(Description),
    )
    const printed = JSON.parse(flat(output?.Value))
    expect(printed.Statement.map((statement: Statement) => [statement.Action, statement.Resource])).toEqual([
      ['s3:ListBucket', 'arn:<AWS::Partition>:s3:::snapshots'],
      ['s3:GetObject', 'arn:<AWS::Partition>:s3:::snapshots/elastic/prod/*'],
    ])
    expect(printed.Statement[0].Principal.AWS).toMatch(/AuditorRole.*\.Arn/)
  })
})

describe('what a run may do', () => {
  it('writes its own prefixes only, and deletes its probes only', () => {
    const write = role(nightly, 'WriteOwn')
    expect(write?.Action).toEqual(['s3:GetObject', 's3:PutObject'])
    expect(flatAll(write?.Resource).map(arn => arn.replace(/^<\w+\.Arn>/, ''))).toEqual([
      '/ledger/<RepositoryName>/*',
      '/reports/<RepositoryName>/*',
      '/seals/<RepositoryName>/*',
    ])
    expect(role(nightly, 'ListOwn')?.Action).toEqual(['s3:ListBucket', 's3:ListBucketVersions'])
    const prefixes = JSON.stringify(role(nightly, 'ListOwn')?.Condition)
    expect([prefixes.match(/ledger\/|reports\/|seals\//g), prefixes.includes('IfExists')]).toEqual([
      ['ledger/', 'reports/', 'seals/'],
      true,
    ])
    expect(flat(role(nightly, 'ReadVersions')?.Resource)).toMatch(
      /^<AuditStorageLedger\w+\.Arn>\/ledger\/<RepositoryName>\/\*$/,
    )
    const remove = role(nightly, 'DeleteProbes')
    expect(remove?.Action).toBe('s3:DeleteObject')
    expect(
      flatAll(remove?.Resource).every(arn => /\/ledger\/<RepositoryName>\/(?:lease-time|doctor)-\*$/.test(arn)),
    ).toBe(true)
  })

  it.each([
    ['CodeBuild', nightly],
    ['Fargate', fargate],
    ['EC2', ec2],
  ])('on %s is these actions and no other', (_, template) => {
    const allowed = statementsOf(resource(template, 'AWS::IAM::Policy', /AuditorRoleDefaultPolicy/))
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action }) => Action ?? [])
      .filter(action => !/^(?:logs|ecr):/.test(action))
    expect([...new Set(allowed)].sort()).toEqual([
      'cloudwatch:PutMetricData',
      'kms:Decrypt',
      'kms:GenerateDataKey',
      's3:DeleteObject',
      's3:GetBucketObjectLockConfiguration',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListBucket',
      's3:ListBucketVersions',
      's3:PutObject',
      'sns:ListSubscriptionsByTopic',
    ])
    // Who hears the alarms may be asked, of our topic alone.
    expect(flat(role(template, 'AskWhoIsTold')?.Resource)).toMatch(/^<AuditNotifications\w+>$/)
    expect(role(template, 'PutMetrics')?.Condition).toEqual({ StringEquals: { 'cloudwatch:namespace': 'Snapproof' } })
  })
})

describe('our buckets', () => {
  it('keep old versions for a while, block the public, and use the key with bucket keys', () => {
    const buckets = [...resources(nightly, 'AWS::S3::Bucket').values()]
    expect(buckets).toHaveLength(2)
    for (const { Properties, DeletionPolicy } of buckets) {
      expect(DeletionPolicy).toBe('Retain')
      expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' })
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true])
      const [rule] = Properties.BucketEncryption.ServerSideEncryptionConfiguration
      expect([rule.BucketKeyEnabled, rule.ServerSideEncryptionByDefault.SSEAlgorithm]).toEqual([true, 'aws:kms'])
    }
    expect(resource(nightly, 'AWS::S3::Bucket', /Ledger/).Properties.LifecycleConfiguration.Rules).toMatchObject([
      { NoncurrentVersionExpiration: { NoncurrentDays: 90 }, Status: 'Enabled' },
    ])
  })

  it.each(['Ledger', 'Seals'])(
    'refuse what is not TLS, and unconditional writes to %s, parts of uploads aside',
    name => {
      const statements = statementsOf(resource(nightly, 'AWS::S3::BucketPolicy', new RegExp(name)))
      expect(statements.map(({ Effect }) => Effect)).toEqual(['Deny', 'Deny', 'Deny'])
      expect(statements[0]?.Condition).toEqual({ Bool: { 'aws:SecureTransport': 'false' } })
      expect(statements[2]).toMatchObject({
        Action: 's3:PutObject',
        Principal: { AWS: '*' },
        // Neither header, on a call that makes an object: PutObject and CompleteMultipartUpload.
        Condition: {
          Null: { 's3:if-match': 'true', 's3:if-none-match': 'true' },
          Bool: { 's3:ObjectCreationOperation': 'true' },
        },
      })
      expect(flat(statements[2]?.Resource)).toMatch(/\/(?:ledger|seals)\/<RepositoryName>\/\*$/)
    },
  )

  it('are sealed by a key that the job alone signs with, and that stays', () => {
    for (const template of [nightly, fargate, ec2]) {
      const key = resource(template, 'AWS::KMS::Key', /SealKey/)
      expect(key.DeletionPolicy).toBe('Retain')
      expect(key.Properties).toMatchObject({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
      const [admins, job, ...others] = statementsOf(key)
      expect(others).toEqual([])
      expect(admins).toMatchObject({ Sid: 'AllButSign', Effect: 'Allow', NotAction: 'kms:Sign' })
      expect([job?.Action, flat((job?.Principal as { AWS?: unknown } | undefined)?.AWS)]).toEqual([
        ['kms:GetPublicKey', 'kms:Sign'],
        expect.stringMatching(/^<AuditAuditorRole\w+\.Arn>$/),
      ])
    }
    expect(flat(role(nightly, 'AskLock')?.Resource)).toMatch(/^<AuditStorageSeals\w+\.Arn>$/)
  })

  it('lock seals where that is asked for', () => {
    expect(resource(nightly, 'AWS::S3::Bucket', /Seals/).Properties).not.toHaveProperty('ObjectLockEnabled')
    const locked = synth({ sealLock: { mode: 'compliance', retention: Duration.days(400) } })
    expect(resource(locked, 'AWS::S3::Bucket', /Seals/).Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 400 } } },
    })
  })
})

describe('CodeBuild', () => {
  const { Properties } = resource(nightly, 'AWS::CodeBuild::Project')

  it('runs our image, unprivileged, as a user, with a time limit and no source', () => {
    expect(Properties).toMatchObject({ TimeoutInMinutes: 360, QueuedTimeoutInMinutes: 60 })
    expect(Properties.Source.Type).toBe('NO_SOURCE')
    expect(flat(Properties.Environment.Image)).toMatch(/\.dkr\.ecr\..*\/<ImageName>:<ImageTag>$/)
    expect(Properties.Environment).toMatchObject({ PrivilegedMode: false })
    const spec = JSON.parse(Properties.Source.BuildSpec)
    expect(spec['run-as']).toBe('snapproof')
    expect(spec.phases.build.commands[0]).toContain('snapproof "$@" --config')
  })

  it('is privileged, longer or another user where that is asked for', () => {
    const other = synth({
      compute: { kind: 'codebuild', privileged: true, timeout: Duration.hours(10), runAs: 'elastic' },
    })
    const project = resource(other, 'AWS::CodeBuild::Project').Properties
    expect([project.Environment.PrivilegedMode, project.TimeoutInMinutes]).toEqual([true, 600])
    expect(JSON.parse(project.Source.BuildSpec)['run-as']).toBe('elastic')
  })
})

describe('the image', () => {
  const pulls = (template: Template, id: RegExp) =>
    statementsOf(resource(template, 'AWS::IAM::Policy', id)).filter(({ Action }) =>
      [Action].flat().includes('ecr:BatchGetImage'),
    )

  it.each([
    ['CodeBuild', nightly, /AuditorRoleDefaultPolicy/],
    ['Batch', fargate, /ExecutionRoleDefaultPolicy/],
  ])('of ECR may be pulled by %s, and no other image', (_, template, id) => {
    const resources = pulls(template, id).flatMap(statement => flatAll(statement.Resource))
    expect(resources).toEqual(['arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/<ImageName>'])
  })

  it('as a URI of ECR names the repository that may be pulled; of another registry it is taken as it is', () => {
    for (const tag of [':1.2.3', `@sha256:${'a'.repeat(64)}`]) {
      const uri = `${account}.dkr.ecr.eu-central-1.amazonaws.com/team/snapproof${tag}`
      const template = synth({ image: { uri }, compute: { kind: 'batch' } })
      const [statement] = pulls(template, /ExecutionRoleDefaultPolicy/)
      expect(flat(statement?.Resource)).toBe(
        `arn:<AWS::Partition>:ecr:eu-central-1:${account}:repository/team/snapproof`,
      )
      const job = resource(template, 'AWS::Batch::JobDefinition').Properties.ContainerProperties
      expect(flat(job.Image).replace('<AWS::URLSuffix>', 'amazonaws.com')).toBe(uri)
    }
    const other = synth({ image: { uri: 'registry.example.com/snapproof:1' }, compute: { kind: 'batch' } })
    const job = resource(other, 'AWS::Batch::JobDefinition').Properties.ContainerProperties
    expect(job.Image).toBe('registry.example.com/snapproof:1')
  })
})

describe('the configuration of a run', () => {
  const topicArn = `arn:aws:sns:eu-central-1:${account}:alarms`
  const sealKey = `arn:aws:kms:eu-central-1:${account}:key/0f1e2d3c-0000-4000-8000-000000000000`
  const configOf = (template: Template) => {
    const { EnvironmentVariables } = resource(template, 'AWS::CodeBuild::Project').Properties.Environment
    const [variable] = EnvironmentVariables.filter(({ Name }: { Name: string }) => Name === variables.config)
    return flat(variable.Value)
      .replaceAll('<AWS::Region>', 'eu-central-1')
      .replace(/<\w*Ledger\w*>/g, 'ledger-bucket')
      .replace(/<\w*Notifications\w*>/g, topicArn)
      .replace(/<\w*SealKey\w*\.Arn>/g, sealKey)
      .replace(/<\w*Seals\w*>/g, 'seal-bucket')
  }
  const load = (template: Template, environment = {}) =>
    loadConfig({ file: '/tmp/config.json', environment, readFile: async () => configOf(template) })

  it('is one that the program takes, with the variable that the event rule adds', async () => {
    const config = await load(full)
    expect(config.repository).toMatchObject({
      name: 'production',
      url: 's3://snapshots/elastic/prod',
      region: 'eu-central-1',
    })
    expect(config.ledger.store?.url).toBe('s3://ledger-bucket/ledger/production')
    expect(config.output.store?.url).toBe('s3://ledger-bucket/reports/production')
    expect(config.seal).toEqual({
      store: { url: 's3://seal-bucket/seals/production', region: 'eu-central-1', endpointUrl: null, pathStyle: null },
      key: { kind: 'kms', arn: sealKey, endpointUrl: null },
      // What the bucket locks by itself: the role may not set a retention of its own.
      retention: null,
    })
    // What doctor asks.
    expect(config.notify.topicArn).toBe(topicArn)
    // The bill counts the machine: its name is one of the price table.
    expect(config.costs.compute).toBe('codebuild-large')
    expect(JSON.stringify(fargate.toJSON())).toContain('fargate-4vcpu-16gb')
    expect(config.costs.prices.compute).toHaveProperty('fargate-4vcpu-16gb')
    expect(JSON.stringify(ec2.toJSON())).not.toMatch(/codebuild-large|4vcpu-16gb/)
    // A run ends by itself before it is stopped.
    expect(config.limits.durationSeconds).toBe(5.5 * 3_600)
    const rule = resource(full, 'AWS::Events::Rule', /NewSnapshot/).Properties.Targets[0]
    const [{ name, value }] = JSON.parse(rule.Input).environmentVariablesOverride
    expect((await load(full, { [name]: value })).limits.durationSeconds).toBe(3_600)
  })

  it('has the sections that the props add', async () => {
    const settings = { policy: { credit: 'strict' }, limits: { snapshots: 3 }, failOn: 'warning' } as const
    const config = await load(synth({ settings }))
    expect([config.policy.credit, config.limits.snapshots, config.failOn]).toEqual(['strict', 3, 'warning'])
  })
})

describe('Batch', () => {
  it.each([
    ['Fargate', fargate, 21_600],
    ['EC2', ec2, 43_200],
  ])('on %s retries a lost host and nothing else, and ends in time', (_, template, seconds) => {
    const job = resource(template, 'AWS::Batch::JobDefinition').Properties
    expect(job.Timeout).toEqual({ AttemptDurationSeconds: seconds })
    expect(job.RetryStrategy.EvaluateOnExit).toEqual([
      { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
      { Action: 'RETRY', OnStatusReason: 'Your Spot Task was interrupted*' },
      { Action: 'EXIT', OnReason: '*' },
    ])
    const limits = resource(template, 'AWS::Batch::JobQueue').Properties.JobStateTimeLimitActions
    expect(
      limits.map(({ State, Action, MaxTimeSeconds }: Record<string, unknown>) => [State, Action, MaxTimeSeconds]),
    ).toEqual(Array(3).fill(['RUNNABLE', 'CANCEL', 3_600]))
  })

  it('takes spot capacity and scratch disk from the props', () => {
    expect(resource(ec2, 'AWS::Batch::ComputeEnvironment').Properties.ComputeResources.Type).toBe('SPOT')
    expect(resource(fargate, 'AWS::Batch::ComputeEnvironment').Properties.ComputeResources.Type).toBe('FARGATE')
    const job = resource(fargate, 'AWS::Batch::JobDefinition').Properties.ContainerProperties
    expect(job.EphemeralStorage).toEqual({ SizeInGiB: 100 })
    const larger = synth({ compute: { kind: 'batch', on: 'ec2', scratch: Size.tebibytes(2) } })
    const [disk] = resource(larger, 'AWS::EC2::LaunchTemplate').Properties.LaunchTemplateData.BlockDeviceMappings
    expect(disk.Ebs).toMatchObject({ VolumeSize: 2_048 + 30, Encrypted: true, VolumeType: 'gp3' })
  })

  it('reaches S3 through a gateway endpoint, in its own network and in a given one', () => {
    for (const template of [fargate, ec2]) template.resourceCountIs('AWS::EC2::NatGateway', 0)
    const given = synth(stack => {
      const vpc = new Vpc(stack, 'Given', { natGateways: 1 })
      return { compute: { kind: 'batch', vpc: vpc as never } }
    })
    for (const template of [fargate, ec2, given]) {
      const endpoint = resource(template, 'AWS::EC2::VPCEndpoint').Properties
      expect([endpoint.VpcEndpointType, flat(endpoint.ServiceName)]).toEqual([
        'Gateway',
        'com.amazonaws.<AWS::Region>.s3',
      ])
      expect(endpoint.RouteTableIds.length).toBeGreaterThan(0)
      const group = resource(template, 'AWS::EC2::SecurityGroup').Properties
      expect(group.SecurityGroupIngress).toBeUndefined()
      expect(group.SecurityGroupEgress).toMatchObject([{ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }])
    }
  })

  it('tells of failed jobs by a rule, for which it has no metric', () => {
    const rule = resource(fargate, 'AWS::Events::Rule', /FailedJobs/).Properties
    expect(rule.EventPattern).toMatchObject({ source: ['aws.batch'], detail: { status: ['FAILED'] } })
    expect(alarmDefinitions(fargate).find(({ id }) => id === 'failed-executions')?.metric).toBe('TriggeredRules')
  })
})

describe('the start', () => {
  it.each([
    ['CodeBuild', nightly, /Project\w+\.Arn/],
    ['Batch', fargate, /:scheduler:::aws-sdk:batch:submitJob/],
  ])('of %s has time zone, flexible window, retries and dead-letter queue', (_, template, target) => {
    const { Properties } = resource(template, 'AWS::Scheduler::Schedule')
    expect(Properties).toMatchObject({
      ScheduleExpression: 'cron(0 1 * * ? *)',
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
      State: 'ENABLED',
    })
    expect(Properties.Target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 7_200, MaximumRetryAttempts: 20 })
    expect(flat(Properties.Target.DeadLetterConfig.Arn)).toMatch(/DeadLetters/)
    expect(flat(Properties.Target.Arn)).toMatch(target)
  })

  it('by events is off, and looks for new generations where it is on', () => {
    expect([...resources(nightly, 'AWS::Events::Rule')]).toEqual([])
    const rule = resource(plainTemplate('codebuild-nightly-events'), 'AWS::Events::Rule').Properties
    expect(rule.EventPattern['detail-type']).toEqual(['Object Created'])
    expect(flat(rule.EventPattern.detail.object.key[0].wildcard)).toBe('<RepositoryBasePath>/index-*')
    expect(JSON.parse(rule.Targets[0].Input).environmentVariablesOverride).toEqual([
      { name: 'SNAPPROOF_LIMITS_DURATION', value: '60m', type: 'PLAINTEXT' },
    ])
    expect(flat(rule.Targets[0].DeadLetterConfig.Arn)).toMatch(/DeadLetters/)
  })

  it('by events of another account goes over a bus that takes them from that account only', () => {
    const policy = resource(full, 'AWS::Events::EventBusPolicy').Properties.Statement
    expect(policy).toMatchObject({ Principal: { AWS: '444455556666' }, Action: 'events:PutEvents' })
    expect(flat(resource(full, 'AWS::Events::Rule', /NewSnapshot/).Properties.EventBusName)).toMatch(/Bus/)
  })
})

describe('alarms and dashboard', () => {
  const templates = [full, nightly, fargate, plainTemplate('codebuild-weekly')]

  it('belong together: every red tile has an alarm, and the reverse', () => {
    for (const template of templates) {
      const body = JSON.parse(flat(resource(template, 'AWS::CloudWatch::Dashboard').Properties.DashboardBody))
      const tiles = body.widgets.filter(({ type }: { type: string }) => type === 'metric')
      const red = tiles.flatMap(({ properties }: { properties: RedTile }) =>
        (properties.annotations?.horizontal ?? []).map(({ label, value, fill }) => ({
          id: label,
          metric: properties.metrics[0]?.[1],
          statistic: properties.stat,
          periodMs: properties.period * 1_000,
          threshold: value,
          below: fill === 'below',
        })),
      )
      const alarms = alarmDefinitions(template).map(alarm => ({
        id: alarm.id,
        metric: alarm.metric,
        statistic: alarm.statistic,
        periodMs: alarm.periodMs,
        threshold: alarm.threshold,
        below: alarm.comparison === 'LessThanThreshold',
      }))
      expect(red).toEqual(alarms)
      const [states] = body.widgets.filter(({ type }: { type: string }) => type === 'alarm')
      expect(states.properties.alarms).toHaveLength(alarms.length + 2)
      const shown = new Set(tiles.map(({ properties }: { properties: RedTile }) => properties.metrics[0]?.[1]))
      expect(Object.keys(metrics).filter(name => !shown.has(name))).toEqual([])
    }
  })

  it('are those of the issue, each in one of two composites, which alone notify', () => {
    expect(alarmDefinitions(full).map(({ id, level }) => `${level} ${id}`)).toEqual([
      'page missed-run',
      'page failed-verification',
      'page error-findings',
      'page newest-snapshot-too-old',
      'page auditor-blind',
      'ticket debt-beyond-policy',
      'ticket failed-executions',
      'ticket dead-letters',
      'ticket restore-too-slow',
    ])
    for (const { Properties } of resources(full, 'AWS::CloudWatch::Alarm').values()) {
      expect(Properties).not.toHaveProperty('AlarmActions')
      expect(Properties.AlarmDescription.length).toBeLessThanOrEqual(1_024)
    }
    const composites = [...resources(full, 'AWS::CloudWatch::CompositeAlarm').values()]
    expect(composites).toHaveLength(2)
    for (const { Properties } of composites) {
      expect(Properties.ActionsEnabled).toBe(true)
      expect(Properties.AlarmActions).toEqual(Properties.OKActions)
      expect(flat(Properties.AlarmActions[0])).toMatch(/Notifications/)
    }
  })

  it('ignore missing data of gauges, count a missing heartbeat, and look back at most seven days', () => {
    for (const alarm of templates.flatMap(alarmDefinitions)) {
      const ours = Object.hasOwn(metrics, alarm.metric)
      if (alarm.id === 'missed-run') expect([alarm.missing, alarm.fillZero]).toEqual(['breaching', true])
      else if (ours) expect([alarm.id, alarm.missing]).toEqual([alarm.id, 'ignore'])
      expect(alarm.periods * alarm.periodMs).toBeLessThanOrEqual(604_800_000)
      expect(alarm.warmUpMs).toBeLessThanOrEqual(2 * 86_400_000)
    }
    const week = plainTemplate('codebuild-weekly')
    week.hasResourceProperties('AWS::CloudWatch::Alarm', { EvaluationWindow: { WallClockWindow: { Timezone: 'UTC' } } })
    const [missed] = alarmDefinitions(nightly)
    // A day, and flexible window, retries, queue and timeout.
    expect(missed?.periodMs).toBe((24 + 10) * 3_600_000)
  })

  it('notify mails and webhooks through an encrypted topic that CloudWatch may use', () => {
    const protocols = [...resources(full, 'AWS::SNS::Subscription').values()].map(
      ({ Properties }) => Properties.Protocol,
    )
    expect(protocols).toEqual(['email', 'https'])
    full.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() })
    expect(bySid(full, 'AWS::KMS::Key', /StorageKey/, 'AlarmsEncrypt')).toMatchObject({
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
    })
  })
})

interface RedTile {
  readonly metrics: readonly (readonly string[])[]
  readonly stat: string
  readonly period: number
  readonly annotations?: {
    readonly horizontal: readonly { readonly label: string; readonly value: number; readonly fill: string }[]
  }
}

describe('bad input is refused at synth', () => {
  const repository = { name: 'production', bucketName: 'snapshots' }
  test.each([
    [{ repository: { ...repository, region: 'us-east-1' } }, /in us-east-1 and the stack in eu-central-1/],
    [{ repository: { ...repository, bucketName: 's3://snapshots' } }, /no bucket name/],
    [{ repository: { ...repository, basePath: '/elastic/' } }, /without slashes/],
    [{ repository: { ...repository, name: 'a/b' } }, /repository\.name/],
    [{ repository: { ...repository, account: '1234' } }, /12 digits/],
    [{ repository: { ...repository, kmsKeyArn: 'alias/x' } }, /no ARN of a key/],
    [{ image: { uri: `${account}.dkr.ecr.eu-central-1.amazonaws.com/snapproof:latest` } }, /no fixed tag/],
    [{ image: { uri: 'snapproof' } }, /no fixed tag/],
    [{ image: { uri: 'snapproof:latest' } }, /no fixed tag/],
    [{ schedule: { expression: 'cron(nonsense)' } }, /6 are needed/],
    [{ schedule: { expression: 'cron(0 1 1 * ? *)' } }, /31 days between two runs/],
    [{ schedule: { timeZone: 'Middle/Earth' } }, /no time zone/],
    [{ schedule: { flexibleWindow: Duration.days(2) } }, /at most a day/],
    [{ compute: { kind: 'codebuild', timeout: Duration.hours(40) } }, /5 to 2,160/],
    [{ compute: { kind: 'batch', scratch: Size.gibibytes(500) } }, /Fargate has 21 to 200/],
    [{ compute: { kind: 'batch', children: 10_001 } }, /from 1 to 10000/],
    [{ compute: { kind: 'batch', children: 2.5 } }, /from 1 to 10000/],
    [{ compute: { kind: 'batch', children: 2, timeout: Duration.days(12) } }, /at most 10 days/],
    [{ compute: { kind: 'batch', queuedTimeout: Duration.minutes(5) } }, /10 min to 24 h/],
    [{ notifications: { emails: ['nobody'] } }, /no address/],
    [{ notifications: { webhooks: ['http://x'] } }, /only https/],
  ] as const)('%o', (props, fault) => {
    expect(() => synth(props)).toThrow(fault)
  })
})

test.each(Object.keys(plainTemplates))('%s can be handed to CloudFormation without a bucket', name => {
  // A line for each resource and section.
  const template: Record<string, object> = plainTemplate(name).toJSON()
  const lines = Object.values(template).reduce((sum, section) => sum + Object.keys(section).length + 2, 0)
  expect(JSON.stringify(template).length + lines).toBeLessThan(51_200)
})

describe('cdk-nag', () => {
  it('finds nothing that is not acknowledged with a reason', () => {
    const app = new App({ analyticsReporting: false })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    for (const name of Object.keys(plainTemplates)) plainStack(app, name)
    expect(() => app.synth()).not.toThrow()
    for (const { reason } of acknowledged) expect(reason.length).toBeGreaterThan(40)
  })

  it('throws where there is a finding', () => {
    const app = new App({ analyticsReporting: false })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    const stack = plainStack(app, 'codebuild-nightly')
    new Vpc(stack, 'WithoutFlowLog')
    expect(() => app.synth()).toThrow(/AwsSolutions-VPC7/)
  })
})

describe('who is told by the run itself', () => {
  const secretArn = (name: string) => `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}-AbCdEf`
  const secrets = (stack: Stack) => ({
    ping: Secret.fromSecretCompleteArn(stack, 'Ping', secretArn('ping')),
    runWebhook: Secret.fromSecretCompleteArn(stack, 'Hook', secretArn('hook')),
  })
  const told = (compute: SnapproofAuditProps['compute'] = { kind: 'codebuild' }) =>
    synth(stack => ({ compute, notifications: secrets(stack) }))
  const expected = [
    ['SNAPPROOF_NOTIFY_PING_URL', secretArn('ping')],
    ['SNAPPROOF_NOTIFY_WEBHOOK_URL', secretArn('hook')],
  ]
  const mayRead = (template: Template) =>
    [...resources(template, 'AWS::IAM::Policy').values()]
      .flatMap(statementsOf)
      .filter(({ Action = [] }) => [Action].flat().some(action => action === 'secretsmanager:GetSecretValue'))
      .flatMap(statement => flatAll(statement.Resource))

  it('is in a secret, which a build reads by name', () => {
    const template = told()
    const { EnvironmentVariables } = resource(template, 'AWS::CodeBuild::Project').Properties.Environment
    const secrets = EnvironmentVariables.filter(({ Type }: { Type: string }) => Type === 'SECRETS_MANAGER')
    expect(secrets.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, flat(Value)])).toEqual(expected)
    expect(mayRead(template).sort()).toEqual(expected.map(([, arn]) => `${arn}*`).sort())
  })

  it.each(['fargate', 'ec2'] as const)('is in a secret, which ECS gives to a job on %s', on => {
    const template = told({ kind: 'batch', on })
    const [container] = [resource(template, 'AWS::Batch::JobDefinition').Properties.ContainerProperties]
    expect(
      container.Secrets.map(({ Name, ValueFrom }: { Name: string; ValueFrom: unknown }) => [Name, flat(ValueFrom)]),
    ).toEqual(expected)
    expect(mayRead(template).sort()).toEqual(expected.map(([, arn]) => arn).sort())
  })

  it('leaves cdk-nag nothing to find', () => {
    const app = new App({ analyticsReporting: false })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    for (const compute of [{ kind: 'codebuild' }, { kind: 'batch', on: 'fargate' }] as const)
      new AuditStack(app, compute.kind, stack => ({ ...baseProps, compute, notifications: secrets(stack) }), {
        env: { account, region: 'eu-central-1' },
      })
    expect(() => app.synth()).not.toThrow()
  })

  it('is nobody, unless asked for', () => {
    for (const template of [nightly, fargate, ec2])
      expect(JSON.stringify(template.toJSON())).not.toContain('SNAPPROOF_NOTIFY')
    expect(mayRead(nightly)).toEqual([])
  })
})
