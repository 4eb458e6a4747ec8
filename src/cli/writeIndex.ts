/** Writes the page of all reports beside them, after a run: into the output folder, and into the store of the copies. Never ends a night. */
import { randomInt } from 'node:crypto'
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../blobs/write-probe.ts'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { RunResult } from '../model/run.ts'
import { renderIndex } from '../report/indexPage.ts'
import { parseIndex, type RunsIndex, withRun } from '../report/runsIndex.ts'
import { type Clock, withDeadline } from '../time.ts'
import { type CliContext, openConfigured } from './context.ts'
import { readStyle } from './files.ts'

const pageName = 'index.html'
const dataName = 'index.json'
/** 120 runs and 120 months have some ten kilobytes. */
const maxBytes = 16 * 1024 * 1024
const timeoutMs = 60_000

/** `local` false: the run lies somewhere else than in the output folder. */
export async function writeIndex(
  context: CliContext,
  { output }: Pick<AuditConfig, 'output'>,
  run: RunResult,
  local: boolean,
): Promise<void> {
  const style = await readStyle()
  try {
    if (local) await writeLocal(output.folder, run, style)
    if (output.store !== null) await writeStored(context, output.store, run, style)
  } catch (error) {
    context.log.warn(`the page of all reports could not be written: ${describeError(error)}`)
  }
}

async function writeLocal(folder: string, run: RunResult, style: string): Promise<void> {
  const file = join(folder, dataName)
  const size = await stat(file).then(
    found => found.size,
    () => null,
  )
  const index = withRun(size === null || size > maxBytes ? null : parseIndex(await readFile(file, 'utf8')), run)
  const there = new Set(await readdir(folder))
  await replace(file, dataOf(index))
  await replace(
    join(folder, pageName),
    renderIndex(index, style, runId => there.has(runId)),
  )
}

/** Whoever opens the page meanwhile sees the one before, whole. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

async function writeStored(
  { clock, signal }: CliContext,
  place: NonNullable<AuditConfig['output']['store']>,
  run: RunResult,
  style: string,
): Promise<void> {
  const store = openConfigured(place, clock, 2)
  const until = withDeadline(signal, timeoutMs, 'writing the page of all reports')
  try {
    let index = await addToStored(store, clock, run, until)
    for (let round = 1; ; round++) {
      // What a lifecycle rule removed is not known here: asking for each would cost more than a dead link.
      const isThere = (runId: string) => index.runs.some(entry => entry.runId === runId && entry.said !== null)
      const page = Buffer.from(renderIndex(index, style, isThere))
      await store.put(pageName, page, { contentType: 'text/html; charset=utf-8', signal: until })
      // Another run may have added itself meanwhile, and written its page before we wrote ours over it.
      const now = await readStored(store, until)
      if (round === mostRounds || (now.index === null && now.kind !== 'changing')) return
      if (now.index !== null && dataOf(now.index) === dataOf(index)) return
      index = now.index ?? index
    }
  } finally {
    await store.close()
  }
}

/** A round is lost only to a run that added itself in it. */
const mostRounds = 20

/**
 * Adds the run to the index as it is when it is written: runs that end at the same moment all stay in it.
 *
 * @throws SnapproofError those of the store; `unavailable` when others were first each time
 */
async function addToStored(store: Store, clock: Clock, run: RunResult, signal: AbortSignal): Promise<RunsIndex> {
  const options = { contentType: 'application/json', signal }
  for (let round = 1; round <= mostRounds; round++) {
    const found = await readStored(store, signal)
    const index = withRun(found.index, run)
    const data = Buffer.from(dataOf(index))
    const { written } =
      found.etag === null
        ? await store.putIfAbsent(dataName, data, options)
        : await store.putIfMatch(dataName, data, found.etag, options)
    if (written) return index
    if (found.kind === 'unreadable') {
      // Whoever may write and not read can keep nothing of what is there; the history of the run has the last ones.
      await store.put(dataName, data, options)
      return index
    }
    await clock.sleep(randomInt(10, 100 * round), signal)
  }
  throw new SnapproofError('unavailable', `${dataName} in ${store.url} was another each time it was to be written`)
}

interface Stored {
  /** `changing`: another wrote it while we read. */
  readonly kind: 'read' | 'absent' | 'unreadable' | 'changing'
  /** Null: there is none, or none of ours. */
  readonly index: RunsIndex | null
  readonly etag: string | null
}

async function readStored(store: Store, signal: AbortSignal): Promise<Stored> {
  try {
    const { bytes, etag } = await store.read(dataName, { maxBytes, signal })
    return { kind: 'read', index: parseIndex(bytes.toString('utf8')), etag }
  } catch (error) {
    if (isSnapproofError(error, 'not-found')) return { kind: 'absent', index: null, etag: null }
    if (isSnapproofError(error, 'changed')) return { kind: 'changing', index: null, etag: null }
    // A bucket whose keys may not be listed answers so for what is not there, too.
    if (isSnapproofError(error, 'access-denied', 'too-large')) return { kind: 'unreadable', index: null, etag: null }
    throw error
  }
}

function dataOf(index: RunsIndex): string {
  return `${JSON.stringify(index, null, 2)}\n`
}
