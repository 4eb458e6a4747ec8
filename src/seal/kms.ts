/** Signs seals with a key that never leaves KMS, and fetches its public half. The only user of the KMS SDK. */
import { createHash, createPublicKey } from 'node:crypto'
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { awsSettings, regionOfArn } from '../aws.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import { withDeadline } from '../time.ts'
import { ecdsaP256, fingerprint, isSignedBy, type Signer } from './keys.ts'

export interface KmsKeyOptions {
  /** `arn:aws:kms:region:account:key/…` or `…:alias/…`; the region is taken from it. */
  readonly arn: string
  /** Another endpoint than that of KMS, for stand-ins. */
  readonly endpointUrl: string | null
  /** For each call with its repeats. @default 30 s */
  readonly timeoutMs?: number
}

type Action = 'kms:GetPublicKey' | 'kms:Sign'

/**
 * Asks KMS for the public key (one call); each signature is one more. An alias is followed once: all is signed with the key
 * that it named then.
 *
 * @throws SnapproofError `not-found`: no such key; `configuration`: of another kind; `access-denied`: refused, disabled, pending
 *   deletion, wrong credentials; `unavailable`: no answer in time; the reason that the signal was aborted with, when it was
 */
export async function kmsSigner(options: KmsKeyOptions, signal: AbortSignal): Promise<Signer> {
  const answer = await call(options, 'kms:GetPublicKey', signal, (client, abortSignal) =>
    client.send(new GetPublicKeyCommand({ KeyId: options.arn }), { abortSignal }),
  )
  const { KeySpec: spec, KeyUsage: usage, PublicKey: der } = answer
  if (spec !== 'ECC_NIST_P256' || usage !== 'SIGN_VERIFY' || der === undefined) {
    throw new SnapproofError(
      'configuration',
      `the KMS key ${options.arn} is of the spec ${spec} for ${usage}, expected ECC_NIST_P256 for SIGN_VERIFY`,
      { advice: 'Make one: aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY' },
    )
  }
  const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  const KeyId = answer.KeyId ?? options.arn
  return {
    algorithm: ecdsaP256,
    key: fingerprint(publicKey),
    publicKey,
    async sign(bytes, abort) {
      // A record may be longer than the 4096 bytes that KMS signs as they are (API reference of Sign).
      const Message = createHash('sha256').update(bytes).digest()
      const command = new SignCommand({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' })
      const { Signature } = await call(options, 'kms:Sign', abort, (client, abortSignal) =>
        client.send(command, { abortSignal }),
      )
      const signature = Buffer.from(Signature ?? [])
      if (isSignedBy(publicKey, ecdsaP256, bytes, signature)) return signature
      throw new SnapproofError('unavailable', `what kms:Sign answered is no signature of the KMS key ${options.arn}`, {
        advice: 'Whatever answers at that endpoint is not KMS, or the key was changed meanwhile.',
      })
    },
  }
}

/** One call on a client of its own: there are two a night. */
async function call<T>(
  { arn, endpointUrl, timeoutMs = 30_000 }: KmsKeyOptions,
  action: Action,
  signal: AbortSignal,
  send: (client: KMSClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const until = withDeadline(signal, timeoutMs, `${action} on ${arn}`)
  const client = new KMSClient(awsSettings({ region: regionOfArn(arn), endpointUrl }, { attemptMs: 10_000 }))
  try {
    return await send(client, until)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw kmsError(until.aborted ? until.reason : error, action, arn)
  } finally {
    client.destroy()
  }
}

/** Names: API reference of KMS, errors of GetPublicKey and Sign. What KMS said is quoted, its error object is not kept. */
function kmsError(error: unknown, action: Action, arn: string): SnapproofError {
  const name = error instanceof Error ? error.name : ''
  const said = describeError(error).replace(/\s+/g, ' ').slice(0, 300)
  const message = `${action} on the KMS key ${arn} failed: ${isSnapproofError(error) ? '' : `${name}: `}${said}`
  const as = (code: 'not-found' | 'configuration' | 'access-denied' | 'unavailable', advice: string) =>
    new SnapproofError(code, message, { advice })
  if (/^NotFound(?:Exception)?$/.test(name))
    return as('not-found', 'Check account, region and id in seal.kmsKey: there is no such key.')
  if (/^Disabled/.test(name)) return as('access-denied', 'The key is disabled: aws kms enable-key.')
  if (/^(?:KMS)?InvalidState/.test(name)) {
    return as(
      'access-denied',
      'The key cannot be used in its state: aws kms describe-key shows it; one that is pending deletion is saved with aws kms cancel-key-deletion and then enabled.',
    )
  }
  if (/^(?:InvalidKeyUsage|UnsupportedOperation|InvalidArn|Validation)/.test(name))
    return as('configuration', 'seal.kmsKey must be a key of the spec ECC_NIST_P256 for SIGN_VERIFY.')
  if (/^AccessDenied/.test(name))
    return as('access-denied', `Allow ${action} on it to this identity, in its role and in the policy of the key.`)
  if (/token|credential|signature|accesskey|unrecognizedclient|notauthorized/i.test(name)) {
    return as(
      'access-denied',
      'The credentials are wrong, expired or missing; they come from the default chain of the AWS SDK.',
    )
  }
  return as('unavailable', 'Check region, network and endpoint; without internet KMS needs an interface endpoint.')
}
