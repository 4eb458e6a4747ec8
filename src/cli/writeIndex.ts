/** Writes the page of all reports beside them, after a run: into the output folder, and into the store of the copies. Never ends a night. */
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, isSnapproofError } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import type { RunResult } from '../model/run.ts'
import { renderIndex } from '../report/indexPage.ts'
import { parseIndex, type RunsIndex, withRun } from '../report/runsIndex.ts'
import { withDeadline } from '../time.ts'
import { type CliContext, openConfigured, readStyle } from './context.ts'

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
    const text = await store.read(dataName, { maxBytes, signal: until }).then(
      ({ bytes }) => bytes.toString('utf8'),
      error => {
        // A bucket whose keys may not be listed answers so for what is not there.
        if (isSnapproofError(error, 'not-found', 'access-denied', 'too-large')) return null
        throw error
      },
    )
    const index = withRun(text === null ? null : parseIndex(text), run)
    await store.put(dataName, Buffer.from(dataOf(index)), { contentType: 'application/json', signal: until })
    // What a lifecycle rule removed is not known here: asking for each would cost more than a dead link.
    const page = Buffer.from(
      renderIndex(index, style, runId => index.runs.some(entry => entry.runId === runId && entry.said !== null)),
    )
    await store.put(pageName, page, { contentType: 'text/html; charset=utf-8', signal: until })
  } finally {
    await store.close()
  }
}

function dataOf(index: RunsIndex): string {
  return `${JSON.stringify(index, null, 2)}\n`
}
