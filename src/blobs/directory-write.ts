/**
 * Writes of the directory driver: whole files appear at once or not at all, and conditions hold between processes.
 *
 * - If-None-Match: the bytes go to a temporary file, which `link(2)` gives its name; that fails when the name is taken.
 * - If-Match: whoever wants to replace version E claims number k of E by making the symbolic link `<hash of key and E>.<k>`,
 *   which names the writer's temporary file. A claim whose temporary file is gone is dead; one that is older than
 *   `staleClaimMs`, by the times of the file system, is killed by removing that file. So a writer that was killed or slept too long can no
 *   longer commit (its rename finds nothing), and the next claims k+1, looks whether E is still current, and renames its file over
 *   the key. Claims are removed only once E is gone for good. No update is lost however long anybody sleeps.
 *
 * What a killed writer leaves is swept a day later (directory-sweep.ts).
 *
 * Not atomic against writers that do not use this driver.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, link, lstat, mkdir, open, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../time.ts'
import { etagOf } from './directory-stat.ts'
import { isMissing, temporaryPrefix } from './directory-walk.ts'
import type { ConditionalWrite } from './port.ts'

/** A claim is held for a check and a rename only. */
export const staleClaimMs = 10_000
const pollMs = 15
const fileMode = 0o644

export interface WriteContext {
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
  /** Path that the key stands for. */
  readonly path: string
  readonly bytes: Buffer
  /** For tests: awaited between the last look and the rename. */
  readonly beforeCommit?: () => Promise<void>
}

export async function writeAlways({ path, bytes }: WriteContext): Promise<void> {
  await withTemporary(path, bytes, async temporary => {
    await rename(temporary.path, path)
    await syncFolder(dirname(path))
  })
}

export async function writeIfAbsent({ path, bytes }: WriteContext): Promise<ConditionalWrite> {
  return await withTemporary(path, bytes, async temporary => {
    try {
      await link(temporary.path, path)
    } catch (error) {
      if ((error as { code?: unknown }).code === 'EEXIST') return { written: false }
      throw error
    }
    await unlink(temporary.path)
    await syncFolder(dirname(path))
    // After the second name is gone: it counts in the change time, and so in the ETag.
    return { written: true, etag: etagOf(await temporary.handle.stat({ bigint: true })) }
  })
}

export async function writeIfMatch(context: WriteContext, etag: string): Promise<ConditionalWrite> {
  const { path, bytes, clock } = context
  if ((await currentEtag(path)) !== etag) return { written: false }
  return await withTemporary(path, bytes, async temporary => {
    const claims = claimsPath(path, etag)
    const claim = await claimVersion(context, etag, claims, temporary)
    if (claim === null) return { written: false }
    if ((await currentEtag(path)) !== etag) {
      await removeClaims(claims, claim)
      return { written: false }
    }
    await outlive(path, temporary, clock)
    await context.beforeCommit?.()
    try {
      await rename(temporary.path, path)
    } catch (error) {
      // Somebody found us too slow and took over.
      if ((error as { code?: unknown }).code === 'ENOENT') return { written: false }
      throw error
    }
    await syncFolder(dirname(path))
    await removeClaims(claims, claim)
    return { written: true, etag: etagOf(await temporary.handle.stat({ bigint: true })) }
  })
}

/** Where the claims on a version lie, without their numbers. */
export function claimsPath(path: string, etag: string): string {
  const name = createHash('sha256').update(`${path}\0${etag}`).digest('hex').slice(0, 32)
  return join(dirname(path), `${temporaryPrefix}${name}`)
}

/** The number of our claim, once every lower one is dead; null when the version is no longer current. */
async function claimVersion(
  { clock, signal, path }: WriteContext,
  etag: string,
  claims: string,
  temporary: Temporary,
): Promise<number | null> {
  for (let number = 0; ; ) {
    signal?.throwIfAborted()
    try {
      await symlink(temporary.name, `${claims}.${number}`)
      return number
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    }
    if ((await currentEtag(path)) !== etag) return null
    if (await isDead(`${claims}.${number}`, temporary)) number++
    else await clock.sleep(pollMs, signal)
  }
}

/** Dead: its temporary file is gone, or we removed it because the claim was stale. */
async function isDead(claim: string, temporary: Temporary): Promise<boolean> {
  let owner: string
  let claimedMs: number
  try {
    owner = await readlink(claim)
    claimedMs = (await lstat(claim)).mtimeMs
  } catch (error) {
    // Removed, so the version is gone: the caller will see that.
    if (isMissing(error)) return false
    throw error
  }
  if (!isTemporaryName(owner)) return false
  const file = join(dirname(claim), owner)
  try {
    await lstat(file)
  } catch (error) {
    if (isMissing(error)) return true
    throw error
  }
  const nowMs = Number((await touch(temporary)) / 1_000_000n)
  if (nowMs - claimedMs < staleClaimMs) return false
  await unlinkIfThere(file)
  return true
}

/**
 * Waits, for a tick of the file system's clock, until our file is younger than the version it replaces: inodes are used
 * again, and an ETag must not be.
 */
async function outlive(path: string, temporary: Temporary, clock: Clock): Promise<void> {
  const old = (await lstat(path, { bigint: true })).ctimeNs
  for (let tries = 0; tries < 20 && (await touch(temporary)) <= old; tries++) await clock.sleep(2)
}

/** The time of the file system now: what a change of our own file is stamped with. Nanoseconds. */
async function touch({ handle }: Temporary): Promise<bigint> {
  await handle.chmod(fileMode)
  return (await handle.stat({ bigint: true })).ctimeNs
}

async function removeClaims(claims: string, highest: number): Promise<void> {
  for (let number = highest; number >= 0; number--) await unlinkIfThere(`${claims}.${number}`)
}

async function currentEtag(path: string): Promise<string | null> {
  try {
    const stats = await lstat(path, { bigint: true })
    return stats.isFile() ? etagOf(stats) : null
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

interface Temporary {
  readonly name: string
  readonly path: string
  readonly handle: FileHandle
}

/** A file beside `path` with these bytes on the disk; gone afterwards unless `use` gave it another name. */
async function withTemporary<T>(path: string, bytes: Buffer, use: (temporary: Temporary) => Promise<T>): Promise<T> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const name = `${temporaryPrefix}${randomUUID()}`
  const handle = await open(join(folder, name), 'wx', fileMode)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
    return await use({ name, path: join(folder, name), handle })
  } finally {
    await handle.close()
    await unlinkIfThere(join(folder, name))
  }
}

function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix) && !name.includes('/')
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** A name is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
