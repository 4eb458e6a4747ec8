/** As whom this run reads and writes, where it asks AWS at all. */
import { askCaller } from '../blobs/caller.ts'
import { describeError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { CliContext } from './context.ts'

/**
 * The ARN of the identity in use; null: no store of this run lies in AWS itself, or STS did not say. Another service of the same language does
 * not speak STS, so it is not asked. Keeps nobody from a run: from a network without STS the report says that it is not known.
 */
export async function callerRole(
  { log, signal }: Pick<CliContext, 'log' | 'signal'>,
  { repository, ledger, output }: Pick<AuditConfig, 'repository' | 'ledger' | 'output'>,
  ask: typeof askCaller = askCaller,
): Promise<string | null> {
  const inAws = [repository, ledger.store, output.store].find(
    store => store?.url.startsWith('s3://') && store.endpointUrl === null,
  )
  if (inAws === null || inAws === undefined) return null
  try {
    return await ask({ region: inAws.region, endpointUrl: null, signal })
  } catch (error) {
    signal.throwIfAborted()
    log.info(`the role of this run is not known, STS did not say: ${describeError(error)}`)
    return null
  }
}
