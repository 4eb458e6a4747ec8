/** Looking at and spoiling the files of a repository or a mirror, as a disk, a mistake or another program would. */
import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { silentLog } from '../../src/log.ts'
import { type Inspection, inspect } from '../../src/run/inspect.ts'
import { systemClock } from '../../src/time.ts'

/** All files below a folder, relative and ascending. */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** A digest over names and bytes of all files: equal when nothing was touched. */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of await filesOf(folder)) hash.update(name).update(await readFile(join(folder, name)))
  return hash.digest('hex')
}

/** Data blobs below a folder, largest first. */
export async function dataBlobs(folder: string): Promise<string[]> {
  const found: { name: string; bytes: number }[] = []
  for (const name of await filesOf(folder)) {
    if (/(^|\/)__[^/]+$/.test(name)) found.push({ name, bytes: (await stat(join(folder, name))).size })
  }
  return found.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1)).map(one => one.name)
}

/** Flips a bit in the middle; done twice, the file is as it was. */
export async function flipBitOf(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const offset = Math.floor((await file.stat()).size / 2)
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, offset)
    byte.writeUInt8(byte.readUInt8(0) ^ 0x10, 0)
    await file.write(byte, 0, 1, offset)
  } finally {
    await file.close()
  }
}

/** What `inspect` says of the repository in a folder. */
export async function inspectFolder(folder: string): Promise<Inspection> {
  return await inspect(openDirectoryStore({ folder, clock: systemClock }), {
    snapshot: null,
    index: null,
    shards: true,
    requests: 8,
    maxMetadataBytes: 1 << 28,
    log: silentLog,
    signal: new AbortController().signal,
  })
}

/** The folder's name below `indices/`. */
export function indexIdOf(inspection: Inspection, snapshot: string, index: string): string {
  const found = inspection.snapshots.find(one => one.name === snapshot)?.indices.find(one => one.name === index)
  if (found === undefined) throw new Error(`${snapshot} holds no index ${index}`)
  return found.id
}
