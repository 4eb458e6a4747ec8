/** What cdk-nag's AwsSolutions finds and why it stays. A finding that is not here fails the synthesis. */
import { Stack, Validations } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

export interface Acknowledged {
  /** Where, below the audit; nothing else is covered. */
  readonly at: string
  readonly rule: string
  readonly reason: string
}

export const acknowledged: readonly Acknowledged[] = [
  {
    at: 'Storage/Ledger',
    rule: 'AwsSolutions-S1',
    reason:
      'Journals and seals say who wrote what; access logs of an account are the account’s decision (CloudTrail data events).',
  },
  {
    at: 'Storage/Seals',
    rule: 'AwsSolutions-S1',
    reason: 'As for the ledger; an access log beside locked seals would not be locked.',
  },
  { at: 'DeadLetters', rule: 'AwsSolutions-SQS3', reason: 'It is the dead-letter queue, of schedule and event rule.' },
  {
    at: 'CodeBuild/Project',
    rule: 'AwsSolutions-CB5',
    reason: 'The build image is our own program, pinned by tag or digest; there is no managed image with it.',
  },
  {
    at: 'CodeBuild/Project',
    rule: 'AwsSolutions-CB3',
    reason: 'Only when asked for by `privileged`: engines of kind `container` start Docker inside the build.',
  },
  {
    at: 'Batch/FailedJobsQueue',
    rule: 'AwsSolutions-SQS3',
    reason: 'Nobody consumes it: it keeps the events of failed jobs for two weeks for whoever is called.',
  },
  {
    at: 'Batch/Network/Vpc',
    rule: 'AwsSolutions-VPC7',
    reason: 'Nothing gets in and only HTTPS gets out; flow logs of terabytes from S3 would cost more than they tell.',
  },
  {
    at: 'Batch/Container/ExecutionRole',
    rule: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken knows no resources; pulling is bound to the repository of the image.',
  },
  {
    at: 'Batch/InstanceRole',
    rule: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]',
    reason: 'The policy that AWS maintains for ECS instances; the instance runs nothing else.',
  },
]

export function acknowledgeFindings(scope: Construct): void {
  for (const { at, rule, reason } of acknowledged) {
    const place = at.split('/').reduce<Construct | undefined>((node, id) => child(node, id), scope)
    if (place !== undefined) Validations.of(place).acknowledge({ id: `AwsSolutions::${rule}`, reason })
  }
}

/** Wildcards in resources of a role, each by its own name: a further one fails the synthesis. */
export function acknowledgeWildcards(role: Construct, resources: readonly string[], reason: string): void {
  const stack = Stack.of(role)
  for (const resource of resources) {
    const id = `AwsSolutions::AwsSolutions-IAM5[Resource::${flatten(stack.resolve(resource))}]`
    if (id.includes('*')) Validations.of(role).acknowledge({ id, reason })
  }
}

/** As cdk-nag writes an intrinsic function into the id of a finding: `<Bucket.Arn>/prefix/*`. */
function flatten(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[name, argument] = ['', null]] = Object.entries(value)
  if (name === 'Ref') return `<${String(argument)}>`
  if (name === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument.map(String).join('.')}>`
  if (name === 'Fn::Join' && Array.isArray(argument)) {
    const [separator, parts]: unknown[] = argument
    if (Array.isArray(parts)) return parts.map(flatten).join(String(separator))
  }
  return JSON.stringify(value)
}

function child(node: Construct | undefined, id: string): Construct | undefined {
  const found = node?.node.tryFindChild(id)
  return found as Construct | undefined
}
