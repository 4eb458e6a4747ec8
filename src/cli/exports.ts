/** `--junit FILE` and `--openmetrics FILE`: the result once more, for CI servers and Prometheus. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { diskError } from '../errors.ts'
import { junitXml } from '../formats/junitXml.ts'
import { openMetricsText } from '../metrics/openMetrics.ts'
import type { RunResult } from '../model/run.ts'

export interface ExportFlags {
  readonly junit?: string | undefined
  readonly openmetrics?: string | undefined
}

/**
 * Before a run: what the last one left is removed, so that no old night stands for one that came to nothing.
 *
 * @throws SnapproofError `disk-failed`
 */
export async function clearExports({ junit, openmetrics }: ExportFlags): Promise<void> {
  for (const file of [junit, openmetrics])
    if (file !== undefined) await attempt('remove', file, () => rm(file, { force: true }))
}

/** Whole or not at all: others read these files at any time. @throws SnapproofError `disk-failed`, `disk-full` */
export async function writeExports({ junit, openmetrics }: ExportFlags, run: RunResult, nowMs: number): Promise<void> {
  if (junit !== undefined) await writeWhole(junit, junitXml(run))
  if (openmetrics !== undefined) await writeWhole(openmetrics, openMetricsText(run, nowMs))
}

async function writeWhole(file: string, text: string): Promise<void> {
  const next = `${resolve(file)}.new`
  await attempt('write', file, async () => {
    await writeFile(next, text)
    await rename(next, file)
  })
}

async function attempt(doing: string, file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw diskError(error, doing, resolve(file))
  }
}
