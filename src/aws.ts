/** How every AWS client but that of S3 is set up: where it asks, few attempts, each with a limit. The deadline over all is its caller's. */
import { NodeHttpHandler } from '@smithy/node-http-handler'

export interface AwsPlace {
  /** Null or absent: that of the environment. */
  readonly region?: string | null | undefined
  /** Null or absent: that of the service; others are stand-ins. */
  readonly endpointUrl?: string | null | undefined
}

export interface AwsPatience {
  /** Retries live here and nowhere above. @default 4 */
  readonly attempts?: number
  /** Of one attempt, until the answer is there. @default 15000 */
  readonly attemptMs?: number
}

/** For the constructor of any client; credentials come from the SDK's default chain and are never looked at. */
export function awsSettings({ region, endpointUrl }: AwsPlace, { attempts = 4, attemptMs = 15_000 }: AwsPatience = {}) {
  return {
    ...(region == null ? {} : { region }),
    ...(endpointUrl == null ? {} : { endpoint: endpointUrl }),
    maxAttempts: attempts,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(5_000, attemptMs),
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
    }),
  }
}

/** `arn:aws:kms:eu-west-1:…` → `eu-west-1`. */
export function regionOfArn(arn: string): string {
  return arn.split(':')[3] ?? ''
}
