/** Programs and libraries of Python that tests use: each installed once into a virtual environment of its own, in a cache outside the tree. */
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../src/config/cache.ts'
import { installOnce, run } from './servers.ts'

/** By which the parser of OpenMetrics text comes that its specification names as reference. */
const prometheusClient = { name: 'prometheus-client', version: '0.26.0' }

/**
 * Installs the package unless the cache has it. Resolves with the folder of the environment's programs.
 *
 * @param extras such as `[server]`
 * @throws Error without Python 3.9, venv or a package registry
 */
export async function installPython(name: string, version: string, extras = ''): Promise<string> {
  const cache = cacheFolder(process.env)
  const folder = join(cache, `${name}-${version}`)
  const isDone = () => existsSync(join(folder, 'complete'))
  if (isDone()) return join(folder, 'bin')
  await mkdir(cache, { recursive: true })
  const needs = `${name} needs Python 3.9 or later with venv`
  // A virtual environment holds its own path, so it is built in place.
  await installOnce(folder, isDone, async () => {
    await rm(folder, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', folder], needs)
    const pip = ['install', '--quiet', '--disable-pip-version-check', `${name}${extras}==${version}`]
    await run(join(folder, 'bin', 'pip'), pip, needs)
    await writeFile(join(folder, 'complete'), '')
  })
  return join(folder, 'bin')
}

/** Resolves with the `python3` that has prometheus_client. */
export async function installOpenMetricsParser(): Promise<string> {
  return join(await installPython(prometheusClient.name, prometheusClient.version), 'python3')
}
