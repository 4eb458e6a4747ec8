/** Flips one bit in the middle of one data blob, as a dying disk would. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface Damage {
  /** Relative to the repository's folder. */
  readonly key: string
  readonly offset: number
}

/** The newest data blob of the index; `indexId` is the folder's name below `indices/`. */
export async function flipBit(repositoryFolder: string, indexId: string): Promise<Damage> {
  const blobs: { key: string; bytes: number; modifiedMs: number }[] = []
  const root = join('indices', indexId)
  for (const entry of await readdir(join(repositoryFolder, root), { recursive: true })) {
    if (!/(^|\/)__[^/]+$/.test(entry)) continue
    const key = join(root, entry)
    const { size, mtimeMs } = await stat(join(repositoryFolder, key))
    blobs.push({ key, bytes: size, modifiedMs: mtimeMs })
  }
  const newest = blobs.sort((a, b) => b.modifiedMs - a.modifiedMs || b.bytes - a.bytes)[0]
  if (newest === undefined) throw new Error(`there is no data blob below ${root}`)
  const offset = Math.floor(newest.bytes / 2)
  const file = await open(join(repositoryFolder, newest.key), 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, offset)
    byte.writeUInt8(byte.readUInt8(0) ^ 0x10, 0)
    await file.write(byte, 0, 1, offset)
  } finally {
    await file.close()
  }
  return { key: newest.key, offset }
}
