/** kubernetes-validate, which carries the schemas of Kubernetes with it: installed once into the cache. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../../src/config/cache.ts'
import { installOnce, run } from '../../local/servers.ts'

/** Its schemas go up to this version of Kubernetes. */
const version = '1.37.0'

/** Path of the program; null where there is no Python 3.9 or newer with venv. */
export async function installKubernetesValidate(): Promise<string | null> {
  const python = ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))']
  if (spawnSync('python3', python, { stdio: 'ignore', timeout: 30_000 }).status !== 0) return null
  const cache = cacheFolder(process.env)
  const folder = join(cache, `kubernetes-validate-${version}`)
  const isDone = () => existsSync(join(folder, 'complete'))
  await mkdir(cache, { recursive: true })
  if (!isDone()) {
    await installOnce(folder, isDone, async () => {
      const needs = 'kubernetes-validate needs Python 3.9 or later with venv'
      await rm(folder, { recursive: true, force: true })
      // A virtual environment holds its own path, so it is built in place.
      await run('python3', ['-m', 'venv', folder], needs)
      const pip = ['install', '--quiet', '--disable-pip-version-check', `kubernetes-validate==${version}`]
      await run(join(folder, 'bin', 'pip'), pip, needs)
      await writeFile(join(folder, 'complete'), '')
    })
  }
  return join(folder, 'bin', 'kubernetes-validate')
}
