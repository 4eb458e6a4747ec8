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
  Secret,
} from 'aws-cdk-lib/aws-batch'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { LogDriver } from 'aws-cdk-lib/aws-ecs'
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ArrayMachine } from './array.ts'
import { mostChildren } from './array-definition.ts'
import type { ComputeContext } from './codebuild.ts'
import { defaultTimeout } from './codebuild.ts'
import { nightScript, variables } from './command.ts'
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
  /** At most so many machines in one night, by an array; 1: a plain job, planned and done by one machine. @default 1 */
  readonly children?: number
  /** Of an array: the job that looks at everything and plans. @default `timeout` */
  readonly planTimeout?: Duration
  /** A job that runs longer is stopped, with 30 s to journal what it did; of an array, each child. @default 6 hours */
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
  readonly doctor: string
  readonly network: AuditNetwork

  constructor(scope: Construct, id: string, props: BatchProps, context: ComputeContext) {
    super(scope, id)
    const timeout = props.timeout ?? defaultTimeout
    this.queuedTimeout = props.queuedTimeout ?? Duration.hours(1)
    this.network = new AuditNetwork(this, 'Network', props)
    const definition = new EcsJobDefinition(this, 'Job', {
      container: props.on === 'ec2' ? this.#onEc2(props, context) : this.#onFargate(props, context),
      timeout,
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
    const [jobQueueArn, jobDefinitionArn] = [queue.jobQueueArn, definition.jobDefinitionArn]
    const array =
      childrenOf(props) === 1
        ? null
        : new ArrayMachine(this, 'Array', {
            jobName,
            jobQueueArn,
            jobDefinitionArn,
            children: childrenOf(props),
            storage: context.storage,
            timeout,
            planTimeout: props.planTimeout ?? timeout,
            // It reads the bytes that are due, as a night on one machine does.
            collectTimeout: timeout,
            queuedTimeout: this.queuedTimeout,
          })
    this.timeout = array?.timeout ?? timeout
    const stateMachineArn = array?.stateMachineArn ?? null
    this.failureSource = addFailedJobs(this, 'FailedJobs', { jobQueueArn, stateMachineArn }, context.storage.key)
    const submit = new PolicyStatement({ actions: ['batch:SubmitJob'], resources: [jobQueueArn, jobDefinitionArn] })
    const job = { JobName: jobName, JobQueue: jobQueueArn, JobDefinition: jobDefinitionArn }
    const stack = Stack.of(this)
    this.target = {
      ...(stateMachineArn === null
        ? {
            arn: `arn:${Aws.PARTITION}:scheduler:::aws-sdk:batch:submitJob`,
            permissions: [submit],
            input: stack.toJsonString(job),
          }
        : {
            arn: stateMachineArn,
            permissions: [new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] })],
            input: '{}',
          }),
      // What is new since last night fits one machine.
      eventPermissions: [submit],
      eventTarget: added => ({
        arn: jobQueueArn,
        batchParameters: { jobName, jobDefinition: jobDefinitionArn },
        input: stack.toJsonString({
          ContainerOverrides: { Environment: Object.entries(added).map(([Name, Value]) => ({ Name, Value })) },
        }),
      }),
    }
    const submitJob = `aws batch submit-job --region ${Aws.REGION} --job-name ${jobName} --job-queue ${jobQueueArn} --job-definition ${jobDefinitionArn}`
    this.firstAudit =
      stateMachineArn === null
        ? submitJob
        : `aws stepfunctions start-execution --region ${Aws.REGION} --state-machine-arn ${stateMachineArn}`
    this.doctor = `${submitJob} --container-overrides 'environment=[{name=${variables.command},value=doctor}]'`
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
      environment: { [variables.config]: context.configJson, CI: 'true' },
      secrets: Object.fromEntries(
        Object.entries(context.secrets).map(([variable, secret]) => [variable, Secret.fromSecretsManager(secret)]),
      ),
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
      maxvCpus: childrenOf(props) * (props.vcpus ?? defaultVcpus),
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
      maxvCpus: Math.max(16, childrenOf(props) * (props.vcpus ?? defaultVcpus)),
      spot: props.spot ?? false,
    })
  }
}

const defaultVcpus = 4
const defaultMemory = Size.gibibytes(16)
const defaultScratch = Size.gibibytes(100)

function childrenOf({ children }: BatchProps): number {
  return children ?? 1
}

export function batchProblems(props: BatchProps): string[] {
  const scratch = (props.scratch ?? defaultScratch).toGibibytes()
  const minutes = (props.timeout ?? defaultTimeout).toMinutes()
  const queued = (props.queuedTimeout ?? Duration.hours(1)).toMinutes()
  return [
    props.on === 'ec2' ? null : fargateSizeProblem(props.vcpus ?? defaultVcpus, props.memory ?? defaultMemory),
    props.on !== 'ec2' && (scratch < 21 || scratch > 200)
      ? `compute.scratch of ${scratch} GiB: Fargate has 21 to 200; use on: 'ec2' for more`
      : null,
    Number.isInteger(childrenOf(props)) && childrenOf(props) >= 1 && childrenOf(props) <= mostChildren
      ? null
      : `compute.children of ${props.children}: a whole number from 1 to ${mostChildren}`,
    childrenOf(props) > 1 && minutes > 10 * 1_440
      ? `compute.timeout of ${minutes} min: with children at most 10 days, for a plan holds the lease for 14 at most`
      : null,
    minutes < 1 || minutes > 14 * 1_440 ? `compute.timeout of ${minutes} min: allowed is 1 min to 14 days` : null,
    queued < 10 || queued > 1_440 ? `compute.queuedTimeout of ${queued} min: Batch allows 10 min to 24 h` : null,
  ].filter(problem => problem !== null)
}
