/** A run as a CodeBuild build: our image is the build image, there is no source. */
import { ArnFormat, Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { BuildEnvironmentVariableType, BuildSpec, CfnProject, ComputeType, Project } from 'aws-cdk-lib/aws-codebuild'
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { nightScript, variables } from './command.ts'
import type { Compute, StartTarget } from './compute.ts'
import { buildImage, type PlacedImage } from './image.ts'
import { acknowledgeWildcards } from './nag.ts'
import type { Storage } from './storage.ts'

export interface CodeBuildProps {
  readonly kind: 'codebuild'
  /** @default LARGE: 8 vCPU, 16 GB, 128 GB of disk */
  readonly computeType?: ComputeType
  /** 5 minutes to 36 hours. @default 6 hours */
  readonly timeout?: Duration
  /** Time in the queue before a build is given up. @default 1 hour */
  readonly queuedTimeout?: Duration
  /** For engines of kind `container`, which start Docker inside the build. @default false */
  readonly privileged?: boolean
  /** User of the image that the program runs as; the search server refuses to be root. @default `snapproof` */
  readonly runAs?: string
  /** @default none: the build has no way into your network, and needs none */
  readonly vpc?: IVpc
  /** @default private subnets with a way out */
  readonly subnets?: SubnetSelection
  readonly securityGroups?: readonly ISecurityGroup[]
}

export interface ComputeContext {
  readonly role: IRole
  readonly image: PlacedImage
  readonly configJson: string
  /** Variable → secret whose string is its value. */
  readonly secrets: Readonly<Record<string, ISecret>>
  readonly repositoryName: string
  readonly storage: Storage
}

export class CodeBuildCompute extends Construct implements Compute {
  readonly kind = 'codebuild'
  readonly timeout: Duration
  readonly queuedTimeout: Duration
  readonly project: Project
  readonly target: StartTarget
  readonly failureSource: string
  readonly firstAudit: string
  readonly doctor: string

  constructor(scope: Construct, id: string, props: CodeBuildProps, context: ComputeContext) {
    super(scope, id)
    this.timeout = props.timeout ?? defaultTimeout
    this.queuedTimeout = props.queuedTimeout ?? Duration.hours(1)
    const logGroup = new LogGroup(this, 'Log', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    this.project = new Project(this, 'Project', {
      description: `Snapproof: audit of the snapshots of ${context.repositoryName}`,
      role: context.role,
      environment: {
        buildImage: buildImage(context.image),
        computeType: props.computeType ?? ComputeType.LARGE,
        privileged: props.privileged ?? false,
        environmentVariables: {
          [variables.config]: { value: context.configJson },
          CI: { value: 'true' },
          ...Object.fromEntries(
            Object.entries(context.secrets).map(([variable, { secretArn }]) => [
              variable,
              { type: BuildEnvironmentVariableType.SECRETS_MANAGER, value: secretArn },
            ]),
          ),
        },
      },
      buildSpec: BuildSpec.fromObject({
        version: '0.2',
        'run-as': props.runAs ?? 'snapproof',
        phases: { build: { commands: [nightScript()] } },
      }),
      grantReportGroupPermissions: false,
      logging: { cloudWatch: { logGroup } },
      timeout: this.timeout,
      queuedTimeout: this.queuedTimeout,
      ...(props.vpc === undefined
        ? {}
        : {
            vpc: props.vpc,
            ...(props.subnets === undefined ? {} : { subnetSelection: props.subnets }),
            ...(props.securityGroups === undefined ? {} : { securityGroups: [...props.securityGroups] }),
          }),
    })
    // Set past the construct, which would allow the role everything with the key; there are no artifacts to encrypt.
    const resource = this.project.node.defaultChild
    if (resource instanceof CfnProject) resource.encryptionKey = context.storage.key.keyArn
    const logs = Stack.of(this).formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/aws/codebuild/${this.project.projectName}`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })
    acknowledgeWildcards(
      context.role,
      [`${logs}:*`],
      'The construct of CDK allows the streams of the default log, too.',
    )
    acknowledgeWildcards(
      context.role,
      Object.values(context.secrets).map(({ secretArn }) => `${secretArn}*`),
      'The construct of CDK allows for the ending that an incomplete ARN of a secret lacks.',
    )
    this.failureSource = this.project.projectName
    const permissions = [
      new PolicyStatement({ actions: ['codebuild:StartBuild'], resources: [this.project.projectArn] }),
    ]
    this.target = {
      arn: this.project.projectArn,
      permissions,
      eventPermissions: permissions,
      input: null,
      eventTarget: added => ({
        arn: this.project.projectArn,
        input: Stack.of(this).toJsonString({
          environmentVariablesOverride: Object.entries(added).map(([name, value]) => ({
            name,
            value,
            type: 'PLAINTEXT',
          })),
        }),
      }),
    }
    this.firstAudit = `aws codebuild start-build --region ${Aws.REGION} --project-name ${this.project.projectName}`
    this.doctor = `${this.firstAudit} --environment-variables-override name=${variables.command},value=doctor,type=PLAINTEXT`
  }
}

export const defaultTimeout = Duration.hours(6)

export function codeBuildProblems(props: CodeBuildProps): string[] {
  const minutes = (props.timeout ?? defaultTimeout).toMinutes()
  return minutes >= 5 && minutes <= 2_160 ? [] : [`compute.timeout of ${minutes} min: CodeBuild allows 5 to 2,160`]
}
