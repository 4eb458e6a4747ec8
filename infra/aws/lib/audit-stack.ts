/** A stack with one audit, as the app deploys it and as the plain templates hold it. */
import {
  type App,
  CfnParameter,
  DefaultStackSynthesizer,
  Duration,
  type IStackSynthesizer,
  Stack,
  type StackProps,
} from 'aws-cdk-lib'
import { Repository } from 'aws-cdk-lib/aws-ecr'
import { SnapproofAudit, type SnapproofAuditProps } from './snapproof-audit.ts'

export class AuditStack extends Stack {
  readonly audit: SnapproofAudit

  /** `props` may need the stack: parameters, a given network. */
  constructor(app: App, id: string, props: (stack: Stack) => SnapproofAuditProps, stackProps: StackProps = {}) {
    super(app, id, {
      description: 'Snapproof: nightly proof that Elasticsearch snapshots restore',
      // There are no assets, so no account needs to be bootstrapped.
      // The declarations of CDK are not written for `exactOptionalPropertyTypes`.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) as IStackSynthesizer,
      ...stackProps,
    })
    this.audit = new SnapproofAudit(this, 'Audit', props(this))
  }
}

/** Name of a plain template → what it deploys. Schedules are fixed in it, for the alarm is made from them. */
export const plainTemplates: Readonly<Record<string, Omit<SnapproofAuditProps, 'repository' | 'image'>>> = {
  'codebuild-nightly': {},
  'codebuild-weekly': { schedule: { expression: 'cron(0 1 ? * SUN *)' } },
  'codebuild-nightly-events': { eventPath: {} },
  'batch-fargate-nightly': { compute: { kind: 'batch' } },
  'batch-ec2-spot-nightly': { compute: { kind: 'batch', on: 'ec2', spot: true, timeout: Duration.hours(12) } },
  'batch-ec2-array-nightly': { compute: { kind: 'batch', on: 'ec2', spot: true, children: 16 } },
}

/** With parameters in the place of what differs between two accounts. */
export function plainStack(app: App, name: string): AuditStack {
  const preset = plainTemplates[name]
  if (preset === undefined) throw new Error(`no template "${name}": ${Object.keys(plainTemplates).join(', ')}`)
  return new AuditStack(app, name, stack => {
    const parameter = (id: string, description: string, allowedPattern: string) =>
      new CfnParameter(stack, id, { type: 'String', description, allowedPattern }).valueAsString
    return {
      ...preset,
      repository: {
        name: parameter(
          'RepositoryName',
          'Key of the ledger, dimension of the metrics',
          '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
        ),
        bucketName: parameter('RepositoryBucket', 'Bucket with the snapshots', '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
        basePath: parameter(
          'RepositoryBasePath',
          'base_path of the repository, without slashes at its ends',
          '^[^/*?].*[^/*?]$',
        ),
      },
      image: {
        repository: Repository.fromRepositoryName(
          stack,
          'ImageRepository',
          parameter('ImageName', 'ECR repository of this account and region with the image', '^[a-z0-9][a-z0-9._/-]*$'),
        ),
        tag: parameter('ImageTag', 'Tag of the image; not latest', '^(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]*$'),
      },
      notifications: { emails: [parameter('Email', 'Address that the alarms notify', '^[^\\s@]+@[^\\s@]+$')] },
    }
  })
}
