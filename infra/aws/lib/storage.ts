/** Our own buckets: the ledger with the reports and their evidence, and the seals; one key encrypts both, another signs seals. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import {
  AccountRootPrincipal,
  AnyPrincipal,
  ArnPrincipal,
  Effect,
  type IRole,
  PolicyDocument,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam'
import { type IKey, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'

export interface SealLock {
  /** `compliance`: nobody can shorten it, not even the root user. */
  readonly mode: 'governance' | 'compliance'
  readonly retention: Duration
}

export interface StorageProps {
  readonly repositoryName: string
  /** @default a new key with rotation */
  readonly key?: IKey
  /** How long an overwritten ledger can be brought back. @default 90 days */
  readonly ledgerVersions?: Duration
  /** Object Lock of the seal bucket; can be chosen at its creation only. @default none */
  readonly sealLock?: SealLock
}

export class Storage extends Construct {
  readonly key: IKey
  /** Signs the seals. Its private half never leaves KMS. */
  readonly sealKey: Key
  /** Ledger and reports, each below its own prefix; the evidence of a run lies beside its report. */
  readonly ledgerBucket: Bucket
  readonly sealBucket: Bucket
  /** Prefixes below `ledgerBucket`, with a slash at their end; `arrays` lies within `ledger`. */
  readonly prefixes: { readonly ledger: string; readonly arrays: string; readonly reports: string }
  readonly sealPrefix: string

  constructor(scope: Construct, id: string, props: StorageProps) {
    super(scope, id)
    const name = props.repositoryName
    this.prefixes = { ledger: `ledger/${name}/`, arrays: `ledger/${name}/arrays/`, reports: `reports/${name}/` }
    this.sealPrefix = `seals/${name}/`
    this.key =
      props.key ??
      new Key(this, 'Key', {
        description: `Ledger, reports and notifications of Snapproof for ${name}`,
        enableKeyRotation: true,
        removalPolicy: RemovalPolicy.RETAIN,
      })
    const common = {
      encryption: BucketEncryption.KMS,
      encryptionKey: this.key,
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
    }
    this.ledgerBucket = new Bucket(this, 'Ledger', {
      ...common,
      lifecycleRules: [
        {
          id: 'old-versions',
          noncurrentVersionExpiration: props.ledgerVersions ?? Duration.days(90),
          expiredObjectDeleteMarker: true,
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
      ],
    })
    this.sealBucket = new Bucket(this, 'Seals', {
      ...common,
      ...(props.sealLock === undefined
        ? {}
        : {
            objectLockEnabled: true,
            objectLockDefaultRetention:
              props.sealLock.mode === 'compliance'
                ? ObjectLockRetention.compliance(props.sealLock.retention)
                : ObjectLockRetention.governance(props.sealLock.retention),
          }),
    })
    this.sealKey = new Key(this, 'SealKey', {
      description: `Signs the seals of ${name}`,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: RemovalPolicy.RETAIN,
      policy: new PolicyDocument({ statements: [administration()] }),
    })
    this.#refuseUnconditionalWrites(this.ledgerBucket, this.prefixes.ledger)
    this.#refuseUnconditionalWrites(this.sealBucket, this.sealPrefix)
  }

  /**
   * Two runs must not overwrite each other unseen, so nothing below the prefix is written without If-Match or
   * If-None-Match. Creating a multipart upload and its parts carry no such header and create no object yet: they pass
   * (`s3:ObjectCreationOperation` is false), completing one does not ("Enforce conditional writes on Amazon S3 buckets").
   */
  #refuseUnconditionalWrites(bucket: Bucket, prefix: string): void {
    bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'OnlyConditionalWrites',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects(`${prefix}*`)],
        conditions: {
          Null: { 's3:if-match': 'true', 's3:if-none-match': 'true' },
          Bool: { 's3:ObjectCreationOperation': 'true' },
        },
      }),
    )
  }

  /** This role alone signs. In the key's own policy: one of IAM does not reach past it. */
  allowSealing(role: IRole): void {
    this.sealKey.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Seal',
        principals: [new ArnPrincipal(role.roleArn)],
        actions: ['kms:GetPublicKey', 'kms:Sign'],
        resources: ['*'],
      }),
    )
  }

  /** The auditor reads and writes its own prefixes, and deletes nothing but its probes. */
  statements(): PolicyStatement[] {
    const { ledger, reports } = this.prefixes
    const below = (prefix: string) => this.ledgerBucket.arnForObjects(`${prefix}*`)
    const seals = this.sealBucket.arnForObjects(`${this.sealPrefix}*`)
    return [
      new PolicyStatement({
        sid: 'ListOwn',
        actions: ['s3:ListBucket', 's3:ListBucketVersions'],
        resources: [this.ledgerBucket.bucketArn, this.sealBucket.bucketArn],
        conditions: {
          StringLikeIfExists: { 's3:prefix': [ledger, reports, this.sealPrefix].map(prefix => `${prefix}*`) },
        },
      }),
      // A damaged ledger falls back to its newest good version.
      new PolicyStatement({ sid: 'ReadVersions', actions: ['s3:GetObjectVersion'], resources: [below(ledger)] }),
      new PolicyStatement({
        sid: 'WriteOwn',
        actions: ['s3:GetObject', 's3:PutObject'],
        resources: [below(ledger), below(reports), seals],
      }),
      new PolicyStatement({
        sid: 'DeleteProbes',
        actions: ['s3:DeleteObject'],
        // lease-time-*: the question for the store's clock; doctor-*: the probe of `doctor`.
        resources: [below(`${ledger}lease-time-`), below(`${ledger}doctor-`)],
      }),
      // `doctor` and the report say whether the bucket locks seals.
      new PolicyStatement({
        sid: 'AskLock',
        actions: ['s3:GetBucketObjectLockConfiguration'],
        resources: [this.sealBucket.bucketArn],
      }),
      new PolicyStatement({
        sid: 'UseOwnKey',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [this.key.keyArn],
        conditions: { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } },
      }),
    ]
  }
}

/** Whoever administers the account may do everything with the key but sign: that would take a change of its policy, which is seen. */
function administration(): PolicyStatement {
  return new PolicyStatement({
    sid: 'AllButSign',
    principals: [new AccountRootPrincipal()],
    notActions: ['kms:Sign'],
    resources: ['*'],
  })
}
