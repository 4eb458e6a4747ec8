/** What a run's engine writes: one new folder, removed when it stops. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import type { RunFolders } from './launch.ts'

export async function makeFolders(workFolder: string, name: string): Promise<RunFolders> {
  const root = join(workFolder, `engine-${name.replace(/[^A-Za-z0-9._-]/g, '_')}-${randomUUID()}`)
  const folders: RunFolders = {
    root,
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    temp: join(root, 'temp'),
    repositories: join(root, 'repositories'),
    config: join(root, 'config'),
  }
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 })
  return folders
}

export async function removeFolder(folder: string, log: Log): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  } catch (error) {
    log.warn(`The folder ${folder} could not be removed`, { error: String(error) })
  }
}

/** Linux's `vm.max_map_count`; null elsewhere. */
export async function memoryMaps(): Promise<number | null> {
  const text = await readFile('/proc/sys/vm/max_map_count', 'utf8').catch(() => null)
  const count = text === null ? Number.NaN : Number(text.trim())
  return Number.isSafeInteger(count) ? count : null
}
