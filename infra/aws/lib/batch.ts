/** A run as a job of AWS Batch, on Fargate or on EC2 instances that live as long as the job. */
import { Aws, Duration, RemovalPolicy, Size, Stack, Tags } from 'aws-cdk-lib'
import {
  Action,
  EcsEc2ContainerDefinition,
  EcsFargateContainerDefinition,
  EcsJobDefinition,
  FargateComputeEnvironment,
  JobQueue,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
  ManagedEc2EcsComputeEnvironment,
  Reason,
  RetryStrategy,
} from 'aws-cdk-lib/aws-batch'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { LogDriver } from 'aws-cdk-lib/aws-ecs'
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { ComputeContext } from './codebuild.ts'
import { defaultTimeout } from './codebuild.ts'
import { configVariable, nightScript } from './command.ts'
import type { Compute, StartTarget } from './compute.ts'
import { addFailedJobs } from './failed-jobs.ts'
import { fargateSizeProblem } from './fargate-sizes.ts'
import { containerImage } from './image.ts'
import { AuditNetwork } from './network.ts'

export interface BatchProps {
  readonly kind: 'batch'
  /** `fargate`: at most 16 vCPU and 200 GiB of disk. `ec2`: what the instance types offer. @default `fargate` */
  readonly on?: 'fargate' | 'ec2'
  /** Spare capacity: cheaper, and a run may be taken away and started again. @default false */
  readonly spot?: boolean
  /** @default 4 */
  readonly vcpus?: number
  /** Fargate has certain pairs of vCPU and memory only. @default 16 GiB */
  readonly memory?: Size
  /** Disk for mirror and throwaway server. @default 100 GiB */
  readonly scratch?: Size
  /** A job that runs longer is stopped, with 30 s to journal what it did. @default 6 hours */
  readonly timeout?: Duration
  /** How long a job may wait for a machine before it is given up. @default 1 hour */
  readonly queuedTimeout?: Duration
  /** @default a new one with public subnets and no way in: no NAT to pay for */
  readonly vpc?: ec2.IVpc
  /** @default private subnets with a way out of a given network, the public ones of a new one */
  readonly subnets?: ec2.SubnetSelection
  /** A given network has its S3 gateway endpoint already. @default false: one is added */
  readonly hasS3Endpoint?: boolean
  /** EC2 only; of the architecture of the image. @default c7i, m7i */
  readonly instanceClasses?: readonly ec2.InstanceClass[]
}

export class BatchCompute extends Construct implements Compute {
  readonly kind = 'batch'
  readonly timeout: Duration
  readonly queuedTimeout: Duration
  readonly target: StartTarget
  readonly failureSource: string
  readonly firstAudit: string
  readonly network: AuditNetwork

  constructor(scope: Construct, id: string, props: BatchProps, context: ComputeContext) {
    super(scope, id)
    this.timeout = props.timeout ?? defaultTimeout
    this.queuedTimeout = props.queuedTimeout ?? Duration.hours(1)
    this.network = new AuditNetwork(this, 'Network', props)
    const definition = new EcsJobDefinition(this, 'Job', {
      container: props.on === 'ec2' ? this.#onEc2(props, context) : this.#onFargate(props, context),
      timeout: this.timeout,
      retryAttempts: 3,
      // A lost host is tried again, nothing else: a run that failed or found something must not be run twice a night.
      retryStrategies: [
        RetryStrategy.of(Action.RETRY, Reason.SPOT_INSTANCE_RECLAIMED),
        RetryStrategy.of(Action.RETRY, Reason.custom({ onStatusReason: 'Your Spot Task was interrupted*' })),
        RetryStrategy.of(Action.EXIT, Reason.custom({ onReason: '*' })),
      ],
    })
    const environment = props.on === 'ec2' ? this.#ec2(props) : this.#fargate(props)
    const queue = new JobQueue(this, 'Queue', {
      computeEnvironments: [{ computeEnvironment: environment, order: 1 }],
      jobStateTimeLimitActions: Object.values(JobStateTimeLimitActionsReason).map(reason => ({
        reason,
        maxTime: this.queuedTimeout,
        state: JobStateTimeLimitActionsState.RUNNABLE,
      })),
    })
    const jobName = `snapproof-${context.repositoryName}`
    const job = { JobName: jobName, JobQueue: queue.jobQueueArn, JobDefinition: definition.jobDefinitionArn }
    this.failureSource = addFailedJobs(this, 'FailedJobs', queue.jobQueueArn, context.key)
    this.target = {
      arn: `arn:${Aws.PARTITION}:scheduler:::aws-sdk:batch:submitJob`,
      permissions: [
        new PolicyStatement({
          actions: ['batch:SubmitJob'],
          resources: [queue.jobQueueArn, definition.jobDefinitionArn],
        }),
      ],
      input: Stack.of(this).toJsonString(job),
      eventTarget: variables => ({
        arn: queue.jobQueueArn,
        batchParameters: { jobName, jobDefinition: definition.jobDefinitionArn },
        input: Stack.of(this).toJsonString({
          ContainerOverrides: { Environment: Object.entries(variables).map(([Name, Value]) => ({ Name, Value })) },
        }),
      }),
    }
    this.firstAudit = `aws batch submit-job --region ${Aws.REGION} --job-name ${jobName} --job-queue ${queue.jobQueueArn} --job-definition ${definition.jobDefinitionArn}`
  }

  #container(props: BatchProps, context: ComputeContext) {
    const logGroup = new LogGroup(this, 'Log', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    return {
      image: containerImage(context.image),
      cpu: props.vcpus ?? defaultVcpus,
      memory: props.memory ?? defaultMemory,
      command: ['/bin/sh', '-c', nightScript()],
      environment: { [configVariable]: context.configJson, CI: 'true' },
      jobRole: context.role,
      logging: LogDriver.awsLogs({ logGroup, streamPrefix: 'audit' }),
    }
  }

  #onFargate(props: BatchProps, context: ComputeContext): EcsFargateContainerDefinition {
    return new EcsFargateContainerDefinition(this, 'Container', {
      ...this.#container(props, context),
      ephemeralStorageSize: props.scratch ?? defaultScratch,
      assignPublicIp: this.network.publicAddress,
    })
  }

  #onEc2(props: BatchProps, context: ComputeContext): EcsEc2ContainerDefinition {
    return new EcsEc2ContainerDefinition(this, 'Container', this.#container(props, context))
  }

  #fargate(props: BatchProps): FargateComputeEnvironment {
    return new FargateComputeEnvironment(this, 'Machines', {
      vpc: this.network.vpc,
      vpcSubnets: this.network.subnets,
      securityGroups: [this.network.securityGroup],
      maxvCpus: props.vcpus ?? defaultVcpus,
      spot: props.spot ?? false,
    })
  }

  #ec2(props: BatchProps): ManagedEc2EcsComputeEnvironment {
    const launchTemplate = new ec2.LaunchTemplate(this, 'Template', {
      requireImdsv2: true,
      // The container writes to the disk of the machine: image and system beside the scratch space.
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs((props.scratch ?? defaultScratch).toGibibytes() + 30, {
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            encrypted: true,
          }),
        },
      ],
    })
    Tags.of(launchTemplate).add('Name', 'snapproof')
    return new ManagedEc2EcsComputeEnvironment(this, 'Machines', {
      vpc: this.network.vpc,
      vpcSubnets: this.network.subnets,
      securityGroups: [this.network.securityGroup],
      instanceRole: new Role(this, 'InstanceRole', {
        assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
        managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role')],
      }),
      launchTemplate,
      useOptimalInstanceClasses: false,
      instanceClasses: [...(props.instanceClasses ?? [ec2.InstanceClass.C7I, ec2.InstanceClass.M7I])],
      minvCpus: 0,
      maxvCpus: Math.max(16, props.vcpus ?? defaultVcpus),
      spot: props.spot ?? false,
    })
  }
}

const defaultVcpus = 4
const defaultMemory = Size.gibibytes(16)
const defaultScratch = Size.gibibytes(100)

export function batchProblems(props: BatchProps): string[] {
  const scratch = (props.scratch ?? defaultScratch).toGibibytes()
  const minutes = (props.timeout ?? defaultTimeout).toMinutes()
  const queued = (props.queuedTimeout ?? Duration.hours(1)).toMinutes()
  return [
    props.on === 'ec2' ? null : fargateSizeProblem(props.vcpus ?? defaultVcpus, props.memory ?? defaultMemory),
    props.on !== 'ec2' && (scratch < 21 || scratch > 200)
      ? `compute.scratch of ${scratch} GiB: Fargate has 21 to 200; use on: 'ec2' for more`
      : null,
    minutes < 1 || minutes > 14 * 1_440 ? `compute.timeout of ${minutes} min: allowed is 1 min to 14 days` : null,
    queued < 10 || queued > 1_440 ? `compute.queuedTimeout of ${queued} min: Batch allows 10 min to 24 h` : null,
  ].filter(problem => problem !== null)
}
