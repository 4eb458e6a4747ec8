/** Who we are to AWS, as STS alone knows it: the identity that reads the store. The only user of the STS SDK. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { awsSettings } from '../aws.ts'
import { withDeadline } from '../time.ts'

export interface AskCallerOptions {
  /** Null: that of the environment. */
  readonly region: string | null
  /** Another endpoint than that of STS, for stand-ins. */
  readonly endpointUrl: string | null
  readonly signal: AbortSignal
  /** @default 5 s: no run waits for it longer */
  readonly timeoutMs?: number
}

const longest = 2_048

/**
 * The ARN of the role or user, with the name of its session: `arn:aws:sts::111122223333:assumed-role/auditor/i-0abc`. Needs no permission
 * (AWS STS API reference, GetCallerIdentity: "No permissions are required to perform this operation").
 *
 * @throws what the SDK throws, `Error` for an answer that is no ARN; the reason that the signal was aborted with, when it was
 */
export async function askCaller({ region, endpointUrl, signal, timeoutMs }: AskCallerOptions): Promise<string> {
  const until = withDeadline(signal, timeoutMs ?? 5_000, 'asking STS who we are')
  const client = new STSClient(awsSettings({ region, endpointUrl }, { attempts: 2, attemptMs: 5_000 }))
  try {
    const { Arn } = await client.send(new GetCallerIdentityCommand({}), { abortSignal: until })
    if (Arn === undefined || !/^arn:[\x21-\x7e]+$/.test(Arn) || Arn.length > longest) throw new Error('it named no ARN')
    return Arn
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw until.aborted ? until.reason : error
  } finally {
    client.destroy()
  }
}
