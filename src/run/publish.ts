/**
 * Writes the report, copies it to its store and puts the metrics, heartbeat last. A run that could not deliver did not do
 * its work.
 */
import { describeError, exitCodes } from '../errors.ts'
import type { RunResult } from '../model/run.ts'
import { renderReport } from '../report/render.ts'
import { serializeRun } from '../report/run-json.ts'
import type { RunDependencies } from './dependencies.ts'

export async function publish(
  result: RunResult,
  { output, putMetrics, style, log }: RunDependencies,
  leaseLost: boolean,
): Promise<RunResult> {
  await write(result, output, style)
  try {
    await output.upload(AbortSignal.timeout(uploadTimeoutMs))
    if (leaseLost) log.warn('the lease was lost, so no metrics are put: the run that holds it will')
    else await putMetrics?.(result)
    return result
  } catch (error) {
    const reason = `the results could not be delivered: ${describeError(error)}`
    log.warn(reason)
    const applies = [exitCodes.couldNotWork, ...result.exit.applies.filter(code => code !== exitCodes.couldNotWork)]
    const failed = { ...result, exit: { code: exitCodes.couldNotWork, applies, reason } }
    await write(failed, output, style)
    return failed
  }
}

const uploadTimeoutMs = 300_000

async function write(result: RunResult, output: RunDependencies['output'], style: string): Promise<void> {
  await output.write('run.json', serializeRun(result))
  await output.write('report.html', renderReport(result, style))
}
