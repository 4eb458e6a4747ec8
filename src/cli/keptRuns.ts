/** The `run.json` of runs, from the local output folder, else from the copies in the store. What is not there is said. */
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Store } from '../blobs/write-probe.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { RunResult } from '../model/run.ts'
import { type FindingHistory, takeFindings } from '../report/period/findings.ts'
import { type KeptRun, keptOf } from '../report/period/kept.ts'
import type { GatheredPeriod } from '../report/period/tell.ts'
import { parseRun } from '../report/run-json.ts'
import { type CliContext, type CommonFlags, openConfigured, readConfig } from './context.ts'

export interface KeptRuns {
  /** Local folder with one folder for each run; null: none is known. */
  readonly folder: string | null
  /** Null: none is configured or named. */
  readonly store: Store | null
  close(): Promise<void>
}

/** Of a run of 5,000 snapshots it has some ten megabytes. */
const maxBytes = 256 * 1024 * 1024

/** `--runs` alone where it is given, else the output of the configuration. */
export async function openKeptRuns(
  context: CliContext,
  flags: CommonFlags & { readonly runs?: string | undefined },
): Promise<KeptRuns> {
  const { runs, region, endpointUrl } = flags
  if (runs !== undefined) {
    if (!/^(?:s3|file):/i.test(runs)) return { folder: resolve(runs), store: null, close: async () => {} }
    const base = { region: region ?? null, endpointUrl: endpointUrl ?? null, pathStyle: null }
    const store = openConfigured({ url: runs.replace(/\/+$/, ''), ...base }, context.clock, 4)
    return { folder: null, store, close: () => store.close() }
  }
  if ((flags.config ?? context.environment.SNAPPROOF_CONFIG) === undefined)
    return { folder: null, store: null, close: async () => {} }
  const { output } = await readConfig(context, flags, undefined)
  const store = output.store === null ? null : openConfigured(output.store, context.clock, 4)
  return { folder: output.folder, store, close: async () => store?.close() }
}

/**
 * One after the other, oldest first: of each only little is kept. A missing file is no error; a store that cannot be reached is.
 *
 * @throws SnapproofError those of the store; reason of the signal
 */
export async function readKeptRuns(
  places: KeptRuns,
  runIds: readonly string[],
  signal: AbortSignal,
  progress: (done: number, all: number) => void,
): Promise<Pick<GatheredPeriod, 'kept' | 'findings' | 'problems'>> {
  const kept: KeptRun[] = []
  const findings: FindingHistory = new Map()
  const problems = new Map<string, { readonly document: 'missing' | 'unreadable'; readonly problem: string }>()
  for (const [i, runId] of runIds.entries()) {
    signal.throwIfAborted()
    progress(i, runIds.length)
    const found = await readKeptRun(places, runId, signal)
    if ('problem' in found) {
      problems.set(runId, found)
      continue
    }
    kept.push(keptOf(found.run))
    takeFindings(findings, found.run)
  }
  return { kept, findings, problems }
}

type Found = { readonly run: RunResult } | { readonly document: 'missing' | 'unreadable'; readonly problem: string }

async function readKeptRun(places: KeptRuns, runId: string, signal: AbortSignal): Promise<Found> {
  // Names of runs come from the ledger, and become paths here.
  if (!/^[\w.-]{1,100}$/.test(runId) || runId.startsWith('.'))
    return { document: 'missing', problem: 'its id is no name of a folder' }
  const { folder, store } = places
  const where = [folder, store?.url].filter(place => place != null)
  if (where.length === 0)
    return { document: 'missing', problem: 'no place of runs is known: give --config FILE, or --runs FOLDER|URL' }
  let unreadable: string | null = null
  for (const read of [() => readLocal(folder, runId), () => readStored(store, runId, signal)]) {
    try {
      const text = await read()
      if (text === null) continue
      const run = parseRun(text)
      if (run.runId !== runId) throw new SnapproofError('usage', `it is the run.json of ${run.runId}`)
      return { run }
    } catch (error) {
      signal.throwIfAborted()
      // A store that does not answer says nothing about what it holds.
      if (!isSnapproofError(error, 'usage', 'too-large', 'archived')) throw error
      unreadable ??= describeError(error)
    }
  }
  if (unreadable !== null) return { document: 'unreadable', problem: unreadable }
  return { document: 'missing', problem: `there is none in ${where.join(' or ')}` }
}

async function readLocal(folder: string | null, runId: string): Promise<string | null> {
  if (folder === null) return null
  const path = join(folder, runId, 'run.json')
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new SnapproofError('too-large', `${path} has ${size} bytes, which no run.json has`)
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (error instanceof SnapproofError) throw error
    throw new SnapproofError('usage', `${pathToFileURL(path).href} cannot be read`, { cause: error })
  }
}

async function readStored(store: Store | null, runId: string, signal: AbortSignal): Promise<string | null> {
  if (store === null) return null
  try {
    const { bytes } = await store.read(`${runId}/run.json`, { maxBytes, signal })
    return bytes.toString('utf8')
  } catch (error) {
    if (isSnapproofError(error, 'not-found')) return null
    throw error
  }
}
