/**
 * The folder in which one run works: mirror, engine data, temporary files. A run removes its own at its end; what a killed
 * run left, which may be a copy of a whole index, is removed by the next one.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, diskError } from '../errors.ts'
import type { Log } from '../log.ts'

export interface Owner {
  readonly host: string
  readonly pid: number
}

const ownerFile = 'owner.json'
const forgottenAfterMs = 86_400_000
const runFolderName = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/

/**
 * Makes `<folder>/<runId>` and removes the folders of runs of this machine whose process has ended. Those of other machines, and
 * those that do not say whose they are, stay: a pid means nothing elsewhere. After a day without an owner it is one that was
 * killed before it could say so.
 *
 * @throws SnapproofError `disk-full`, `disk-failed`
 * @param isAlive whether a process of this machine lives
 */
export async function claimWorkFolder(
  folder: string,
  runId: string,
  owner: Owner,
  isAlive: (pid: number) => boolean,
  nowMs: number,
  log: Log,
): Promise<string> {
  const own = join(folder, runId)
  try {
    await mkdir(own, { recursive: true, mode: 0o700 })
    await writeFile(join(own, ownerFile), JSON.stringify(owner))
  } catch (error) {
    await rm(own, { recursive: true, force: true }).catch(() => {}) // the first error says more
    throw diskError(error, 'make the work folder', own)
  }
  for (const name of await readdir(folder)) {
    if (!runFolderName.test(name) || name === runId) continue
    const other = await ownerOf(join(folder, name))
    const dead =
      other === null
        ? await isForgotten(join(folder, name), nowMs)
        : other.host === owner.host && other.pid !== owner.pid && !isAlive(other.pid)
    if (!dead) continue
    log.info(`removing what run ${name} left when it was killed`)
    await rm(join(folder, name), { recursive: true, force: true }).catch((error: unknown) =>
      log.warn(`${join(folder, name)} could not be removed`, { error: describeError(error) }),
    )
  }
  return own
}

/** A run says whose it is right after it has made its folder. */
async function isForgotten(folder: string, nowMs: number): Promise<boolean> {
  const found = await stat(folder).catch(() => null) // gone meanwhile: nothing to remove
  return found !== null && nowMs - found.mtimeMs > forgottenAfterMs
}

async function ownerOf(folder: string): Promise<Owner | null> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, ownerFile), 'utf8'))
    const { host, pid } = Object(value) as Record<string, unknown>
    return typeof host === 'string' && Number.isSafeInteger(pid) ? { host, pid: Number(pid) } : null
  } catch {
    return null // not there, or half written: whose it is, is not known
  }
}

export { isProcessAlive } from '../engine/options.ts'
