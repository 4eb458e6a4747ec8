/** The repository that is audited: where it is, and what the auditor may do there. */
import type { Stack } from 'aws-cdk-lib'
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { known } from './problems.ts'

export interface RepositoryProps {
  /** Key of the ledger and dimension of the metrics; letters, digits, `.`, `_`, `-`. Keep it for ever. */
  readonly name: string
  readonly bucketName: string
  /** `base_path` of the repository, without slashes at its ends. @default the root of the bucket */
  readonly basePath?: string
  /** Region of the bucket; another than that of the stack is refused, for every byte would cost. @default not checked */
  readonly region?: string
  /** Account of the bucket where it is another one. Its owner adds the printed bucket policy. @default this account */
  readonly account?: string
  /** Key of the objects where they are encrypted by KMS. @default none */
  readonly kmsKeyArn?: string
}

export function repositoryProblems(repository: RepositoryProps, stack: Stack): string[] {
  const { name, bucketName, basePath, region, account, kmsKeyArn } = repository
  return [
    known(name) && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)
      ? `repository.name "${name}": letters, digits, ".", "_" and "-", at most 128`
      : null,
    known(bucketName) && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucketName)
      ? `repository.bucketName "${bucketName}" is no bucket name; write it without s3:// and without a path`
      : null,
    known(basePath) && /^\/|\/$|[*?]/.test(basePath)
      ? `repository.basePath "${basePath}": without slashes at its ends and without wildcards`
      : null,
    known(region) && known(stack.region) && region !== stack.region
      ? `the repository is in ${region} and the stack in ${stack.region}: deploy it where the bucket is`
      : null,
    known(account) && !/^\d{12}$/.test(account) ? `repository.account "${account}" has not 12 digits` : null,
    known(kmsKeyArn) && !/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/.+$/.test(kmsKeyArn)
      ? `repository.kmsKeyArn "${kmsKeyArn}" is no ARN of a key; an alias will not do`
      : null,
  ].filter(problem => problem !== null)
}

/** `s3://bucket/base/path`. */
export function repositoryUrl({ bucketName, basePath }: RepositoryProps): string {
  return basePath === undefined || basePath === '' ? `s3://${bucketName}` : `s3://${bucketName}/${basePath}`
}

/** Keys below the base path: `base/path/` or nothing. */
export function basePrefix({ basePath }: RepositoryProps): string {
  return basePath === undefined || basePath === '' ? '' : `${basePath}/`
}

/**
 * List and read, and an explicit deny of everything else on this bucket, whoever else allows it.
 *
 * Listing is bound to the base path with `IfExists`: a HEAD or GET of a missing key carries no prefix, and S3 answers 403
 * instead of 404 to whoever may not list. An auditor must tell a missing blob from one it may not see.
 */
export function repositoryStatements(scope: Stack, repository: RepositoryProps): PolicyStatement[] {
  const bucket = scope.formatArn({ service: 's3', region: '', account: '', resource: repository.bucketName })
  const prefix = basePrefix(repository)
  const statements = [
    new PolicyStatement({
      sid: 'ListRepository',
      actions: ['s3:ListBucket'],
      resources: [bucket],
      ...(prefix === '' ? {} : { conditions: { StringLikeIfExists: { 's3:prefix': [`${prefix}*`] } } }),
    }),
    new PolicyStatement({ sid: 'ReadRepository', actions: ['s3:GetObject'], resources: [`${bucket}/${prefix}*`] }),
    new PolicyStatement({
      sid: 'NothingElseInRepository',
      effect: Effect.DENY,
      notActions: ['s3:ListBucket', 's3:GetObject'],
      resources: [bucket, `${bucket}/*`],
    }),
  ]
  if (repository.kmsKeyArn !== undefined) {
    statements.push(
      new PolicyStatement({
        sid: 'DecryptRepository',
        actions: ['kms:Decrypt'],
        resources: [repository.kmsKeyArn],
        conditions: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
      }),
    )
  }
  return statements
}

/** What the owner of the bucket adds to its policy when the auditor lives in another account. */
export function ownersBucketPolicy(scope: Stack, repository: RepositoryProps, roleArn: string): unknown {
  const bucket = scope.formatArn({ service: 's3', region: '', account: '', resource: repository.bucketName })
  const principal = { AWS: roleArn }
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: principal, Action: 's3:ListBucket', Resource: bucket },
      {
        Effect: 'Allow',
        Principal: principal,
        Action: 's3:GetObject',
        Resource: `${bucket}/${basePrefix(repository)}*`,
      },
    ],
  }
}
