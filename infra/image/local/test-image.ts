/** The image itself, built from the Dockerfile on the local base images, as `npm run image` builds it. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { execa } from 'execa'
import { cacheFolder } from '../../../src/config/cache.ts'
import { buildCommand } from '../command.ts'
import { ensureBaseImages } from './base-images.ts'
import type { Podman } from './podman.ts'

const root = resolve(import.meta.dirname, '../../..')
const tag = 'localhost/snapproof-test:latest'
const buildTag = 'localhost/snapproof-test-build:latest'
/** Of root inside a build. */
const home = '/root'

/** Id of the image, with these facts in its labels. Layers of an earlier build are used again. */
export async function buildTestImage(
  podman: Podman,
  facts: { readonly version: string; readonly revision: string; readonly source: string },
  say: (text: string) => void,
): Promise<string> {
  const { node, searchServer } = await ensureBaseImages(podman, say)
  const volumes = [...(await npmCache()), ...(await nativeParts())].flatMap(volume => ['--volume', volume])
  const build = (name: string, more: readonly string[]) => {
    const { args } = buildCommand({ engine: 'podman', tag: name, ...facts, node, searchServer, more })
    return podman.ask(args, { timeoutMs: 20 * 60_000, cwd: root })
  }
  // Named, so that its layers are kept when others are removed.
  await build(buildTag, [...volumes, '--format', 'docker', '--target', 'build'])
  await build(tag, [...volumes, '--format', 'docker'])
  await podman.tell(['image', 'prune', '--force'])
  return (await podman.ask(['image', 'inspect', '--format', '{{.Id}}', tag])).trim()
}

/** What npm fetched on this machine is not fetched again. */
async function npmCache(): Promise<string[]> {
  const { stdout } = await execa('npm', ['config', 'get', 'cache'], { timeout: 60_000 })
  const folder = stdout.trim().split('\n').at(-1) ?? ''
  return existsSync(folder) ? [`${folder}:${join(home, '.npm')}`] : []
}

/** better-sqlite3 for the image's Node, which the unit tests on that Node compiled with the same script: minutes less. */
async function nativeParts(): Promise<string[]> {
  execFileSync(process.execPath, ['--import', 'tsx', join(root, 'infra/local/node-lts.ts')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 15 * 60_000,
  })
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const { version } = lock.packages['node_modules/better-sqlite3'] as { version: string }
  const cache = cacheFolder(process.env)
  const names = (await readdir(cache)).filter(
    name => name.startsWith(`better-sqlite3-${version}-abi`) && name.endsWith('.node'),
  )
  return names.map(name => `${join(cache, name)}:${join(home, '.cache/snapproof', name)}:ro`)
}
