/**
 * Does a server that does not run beside us see the folder that we write? One that does not would call every snapshot
 * missing, and that accuses somebody. It is shown a repository with one snapshot and must name that one's uuid.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, isSnapproofError, SnapproofError } from '../errors.ts'
import type { Engine } from './port.ts'

const name = 'seen'

/** Throws `engine-start` when it does not, or may not read it. */
export async function proveSharedFolder(engine: Engine, signal: AbortSignal): Promise<void> {
  const uuid = randomUUID()
  const folder = join(engine.repositoryFolder, `${name}-${uuid}`)
  try {
    // The modes of the mirror: what the server may read here, it may read there.
    await mkdir(folder, { recursive: true, mode: 0o750 })
    const repositoryData = { snapshots: [{ name, uuid, state: 1 }], indices: {} }
    await writeFile(join(folder, 'index-0'), JSON.stringify(repositoryData), { mode: 0o640 })
    await writeFile(join(folder, 'index.latest'), Buffer.alloc(8), { mode: 0o640 })
    const seen = await askFor(engine, folder, signal).catch((error: unknown) => {
      if (!isSnapproofError(error, 'engine-request')) throw error
      return describeError(error)
    })
    if (seen === uuid) return
    const what = seen === null ? 'it sees nothing there' : `it says: ${seen}`
    throw new SnapproofError(
      'engine-start',
      `engine ${engine.facts.name} does not see what this machine writes into ${engine.repositoryFolder}: ${what}`,
      {
        advice:
          'The folder must be mounted into the server, within its path.repo, and its user must be of the group of our files or read them otherwise.',
      },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function askFor(engine: Engine, folder: string, signal: AbortSignal): Promise<string | null> {
  await engine.registerRepository(name, folder, signal)
  try {
    return await engine.snapshotUuid(name, name, signal)
  } finally {
    await engine.removeRepository(name, signal)
  }
}
