/**
 * Writes the report, copies it to its store, seals it and puts the metrics, heartbeat last. A run that could not deliver, or
 * not seal, did not do its work.
 */
import { describeError } from '../errors.ts'
import { findingsCsv } from '../formats/findingsCsv.ts'
import type { RunResult } from '../model/run.ts'
import { renderReport } from '../report/render.ts'
import { serializeRun } from '../report/run-json.ts'
import type { RunDependencies } from './dependencies.ts'
import { couldNotWork, type Sealer, withSeal } from './seal.ts'

/** The same value unless something failed. `sealer` null: runs are not sealed. */
export async function publish(
  result: RunResult,
  dependencies: RunDependencies,
  leaseLost: boolean,
  sealer: Sealer | null = null,
): Promise<RunResult> {
  const { output, putMetrics, log } = dependencies
  await write(result, dependencies)
  let current = result
  const failed = async (error: unknown): Promise<void> => {
    const reason = `the results could not be delivered: ${describeError(error)}`
    log.warn(reason)
    current = couldNotWork(current, reason)
    await write(current, dependencies)
  }
  try {
    await output.upload(AbortSignal.timeout(uploadTimeoutMs))
  } catch (error) {
    await failed(error)
    return await seal(current, dependencies, sealer)
  }
  current = await seal(current, dependencies, sealer)
  try {
    if (leaseLost) log.warn('the lease was lost, so no metrics are put: the run that holds it will')
    else await putMetrics?.(current)
    return current
  } catch (error) {
    await failed(error)
    if (sealer === null) return current
    // What was sealed is not what the run says now: the copy and a second seal say it too.
    await uploadAgain(dependencies)
    return await seal(current, dependencies, sealer)
  }
}

const uploadTimeoutMs = 300_000

/** Seals the files as they are; a run that is unsealed says so in them. */
async function seal(run: RunResult, dependencies: RunDependencies, sealer: Sealer | null): Promise<RunResult> {
  const { log } = dependencies
  if (sealer === null) return run
  if (sealer.statement.unsealed !== null) {
    log.warn(`the run is unsealed: ${sealer.statement.unsealed}`)
    return run
  }
  try {
    await sealer.seal(run)
    return run
  } catch (error) {
    const unsealed = describeError(error)
    log.warn(`the run is unsealed: ${unsealed}`)
    const told = withSeal(run, { ...sealer.statement, unsealed })
    await write(told, dependencies)
    await uploadAgain(dependencies)
    return told
  }
}

async function uploadAgain({ output, log }: RunDependencies): Promise<void> {
  try {
    await output.upload(AbortSignal.timeout(uploadTimeoutMs))
  } catch (error) {
    log.warn(`the copy of the report is older than the report: ${describeError(error)}`)
  }
}

async function write(result: RunResult, { output, style }: RunDependencies): Promise<void> {
  await output.write('run.json', serializeRun(result))
  await output.write('report.html', renderReport(result, style))
  await output.write('findings.csv', findingsCsv(result))
}
