/**
 * What the S3 SDK throws → `SnapproofError`: one sentence with operation, object, what the store said, and what to do.
 * The SDK's error objects carry headers and key ids, so an answer of the store is never kept as `cause`.
 */
import { isSnapproofError, SnapproofError } from '../errors.ts'
import { printableKey } from './keys.ts'

export type S3Verb = 'list' | 'head' | 'get' | 'put' | 'delete'

/** What was being done. */
export interface S3Operation {
  readonly verb: S3Verb
  readonly bucket: string
  /** Full key or prefix, with the base path. */
  readonly key: string
}

const doing: Readonly<Record<S3Verb, string>> = {
  list: 'Listing',
  head: 'Looking at',
  get: 'Reading',
  put: 'Writing',
  delete: 'Deleting',
}
const neededAction: Readonly<Record<S3Verb, string>> = {
  list: 's3:ListBucket on the bucket',
  head: 's3:GetObject (and s3:ListBucket: without it a missing object looks forbidden)',
  get: 's3:GetObject (and s3:ListBucket: without it a missing object looks forbidden)',
  put: 's3:PutObject',
  delete: 's3:DeleteObject',
}
const badCredentials = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidSecurity',
  'NotSignedUp',
  'AccountProblem',
  'UnrecognizedClientException',
])
const clockSkew = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'])
/** The key is the matter. Other `KMS.` errors are about the service and pass by themselves (API reference of KMS, Decrypt). */
const kmsRefusal = /^KMS\.(?:KMS)?(?:Disabled|InvalidState|NotFound|AccessDenied|InvalidKeyUsage)/
/** AccessDenied whose cause is the key and not the bucket names the action, and mostly the key: "… is not authorized to perform: kms:Decrypt on resource: arn:…". */
const kmsDenied = /\b(?<action>kms:[A-Za-z]+)\b(?:.*?on (?:the )?resource:? (?<key>arn:[\w-]+:kms:[^\s"]+))?/
const conditionFailed = new Set(['PreconditionFailed', 'ConditionalRequestConflict'])

/** The parts of an SDK error that we read. */
export interface S3Failure {
  readonly name: string
  readonly message: string
  readonly status: number | null
  readonly attempts: number
  readonly requestId: string | null
  /** Region of the bucket, where the store told it. */
  readonly bucketRegion: string | null
  /** `ECONNREFUSED` and the like. */
  readonly code: string | null
}

interface SdkErrorShape {
  name?: unknown
  message?: unknown
  code?: unknown
  Code?: unknown
  Region?: unknown
  $metadata?: { httpStatusCode?: unknown; attempts?: unknown; requestId?: unknown }
  $response?: { headers?: Record<string, unknown> }
}

export function readFailure(error: unknown): S3Failure {
  const e = (typeof error === 'object' && error !== null ? error : {}) as SdkErrorShape
  const status = e.$metadata?.httpStatusCode
  const headers = e.$response?.headers ?? {}
  const region = headers['x-amz-bucket-region'] ?? e.Region
  const name = text(e.Code) ?? text(e.name) ?? 'Error'
  return {
    name,
    message: clean(text(e.message) ?? String(error)),
    status: typeof status === 'number' && status >= 100 ? status : null,
    attempts: typeof e.$metadata?.attempts === 'number' ? e.$metadata.attempts : 1,
    requestId: text(e.$metadata?.requestId) ?? null,
    bucketRegion: text(region) ?? null,
    code: text(e.code) ?? null,
  }
}

/** 409 or 412, or 404 under If-Match: another writer was first. */
export function isLostRace(failure: S3Failure, ifMatch: boolean): boolean {
  if (failure.status === 412) return true
  if (failure.status === 409) return conditionFailed.has(failure.name)
  return ifMatch && isMissingKey(failure, 'put')
}

/**
 * A 404 of S3 itself about the object. A page of a proxy says nothing about it, and nobody is missing because of that; the
 * answer to a HEAD has no body, so there the status must do.
 */
export function isMissingKey({ status, name }: S3Failure, verb: S3Verb): boolean {
  return status === 404 && (verb === 'head' || name === 'NoSuchKey' || name === 'NoSuchVersion')
}

/** Anything that a call threw, except an abort. Errors of our own pass unchanged. */
export function s3Error(error: unknown, operation: S3Operation): SnapproofError {
  if (isSnapproofError(error)) return error
  const failure = readFailure(error)
  return failure.status === null
    ? withoutAnswer(error, failure, operation)
    : fromAnswer(failure, failure.status, operation)
}

export function describe({ verb, bucket, key }: S3Operation): string {
  return `${doing[verb]} s3://${bucket}/${printableKey(key)}`
}

function fromAnswer(failure: S3Failure, status: number, operation: S3Operation): SnapproofError {
  const { name } = failure
  const { verb, bucket } = operation
  const tries = failure.attempts > 1 ? ` after ${failure.attempts} attempts` : ''
  const id = failure.requestId === null ? '' : `, request id ${clean(failure.requestId)}`
  const said = failure.message === '' || failure.message === name ? '' : `: "${failure.message}"`
  const message = `${describe(operation)} failed: the store answered ${status} ${clean(name)}${said}${tries}${id}`
  const as = (code: ConstructorParameters<typeof SnapproofError>[0], advice: string) =>
    new SnapproofError(code, message, { advice })

  if (name === 'NoSuchBucket') {
    return as(
      'no-such-bucket',
      `Check the name of the bucket "${bucket}", the account, and the endpoint if one is given.`,
    )
  }
  if (
    status === 301 ||
    status === 307 ||
    name === 'PermanentRedirect' ||
    name === 'AuthorizationHeaderMalformed' ||
    name === 'IllegalLocationConstraintException'
  ) {
    const region = failure.bucketRegion
    return as(
      'configuration',
      region === null
        ? `The bucket "${bucket}" is in another region: set its region in the configuration (or --region) to that of the bucket.`
        : `The bucket "${bucket}" is in the region ${clean(region)}: set its region in the configuration (or --region) to ${clean(region)}.`,
    )
  }
  if (badCredentials.has(name)) {
    return as(
      'access-denied',
      'The credentials are wrong, expired, or for another account: refresh them; they come from the default chain of the AWS SDK (environment, profile, role).',
    )
  }
  if (clockSkew.has(name))
    return as('access-denied', 'The clock of this machine differs from the store by minutes: set it.')
  if (name === 'InvalidObjectState') {
    return as(
      'archived',
      'The object lies in an archive class and must be thawed (RestoreObject) before it can be read.',
    )
  }
  if (/Throttl|SlowDown|TooManyRequests/.test(name)) return as('unavailable', throttled)
  if (kmsRefusal.test(name)) return as('access-denied', adviceForKey(name))
  const denied = status === 403 ? kmsDenied.exec(failure.message)?.groups : undefined
  if (denied !== undefined) {
    const key = denied.key === undefined ? 'the KMS key of the objects' : `the KMS key ${clean(denied.key)}`
    return as(
      'access-denied',
      `The bucket may be used, ${key} not: allow ${denied.action} on it to this identity, in its role and in the policy of the key.`,
    )
  }
  if (status === 403 || status === 401) {
    return as(
      'access-denied',
      `Allow ${neededAction[verb]} for this identity; where the objects are encrypted with KMS, kms:${verb === 'put' ? 'GenerateDataKey' : 'Decrypt'} too.`,
    )
  }
  if (isMissingKey(failure, verb)) return as('not-found', '')
  if (conditionFailed.has(name) || status === 412)
    return as('changed', 'Somebody wrote the object meanwhile: read it again.')
  if (status === 501)
    return as(
      'unavailable',
      verb === 'put'
        ? 'This store does not support conditional writes; keep the ledger in a store that does.'
        : 'This store does not support what was asked of it.',
    )
  return as(
    'unavailable',
    status >= 500 || status === 429 ? throttled : 'The store did not accept the request; its words are above.',
  )
}

/** States of a key: developer guide of KMS, "Key states of AWS KMS keys". */
function adviceForKey(name: string): string {
  if (name.includes('Disabled')) return 'The KMS key is disabled: enable it (aws kms enable-key).'
  if (name.includes('InvalidState')) {
    return 'The KMS key cannot be used in its state: look at it with aws kms describe-key; one that is pending deletion is saved with aws kms cancel-key-deletion and then enabled.'
  }
  return 'Check that the KMS key is enabled and that its policy allows kms:Decrypt for this identity.'
}

const throttled = 'The store is overloaded or throttles: try again later or with fewer parallel reads.'

function withoutAnswer(error: unknown, failure: S3Failure, operation: S3Operation): SnapproofError {
  const at = describe(operation)
  if (failure.name === 'CredentialsProviderError' || /credential/i.test(failure.name)) {
    return new SnapproofError('access-denied', `${at} failed: no credentials were found`, {
      advice: 'Give this machine a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      cause: error,
    })
  }
  if (/region is missing/i.test(failure.message)) {
    return new SnapproofError('configuration', `${at} failed: no region is set`, {
      advice: `Set the region of the bucket "${operation.bucket}" in the configuration or as AWS_REGION.`,
      cause: error,
    })
  }
  const tries = failure.attempts > 1 ? ` (${failure.attempts} attempts)` : ''
  const why = failure.code ?? failure.name
  return new SnapproofError('unavailable', `${at} failed: the store gave no answer, ${clean(why)}${tries}`, {
    advice: adviceForCode(failure.code),
    cause: error,
  })
}

function adviceForCode(code: string | null): string {
  if (code === 'ECONNREFUSED') return 'Nothing listens at that address: check the endpoint and that the store runs.'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'The name of the endpoint does not resolve: check region, endpoint and DNS.'
  if (code?.includes('CERT') || code?.startsWith('ERR_TLS'))
    return 'The certificate of the endpoint is not trusted here.'
  return 'Check the network, the VPC endpoint and the proxy, and try again.'
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Words of the store, on one line, bounded. */
function clean(words: string): string {
  const line = words.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`
}
