/**
 * Kind `distribution`: a folder with `bin/elasticsearch` or `bin/opensearch`, started as it is, with a copy of its
 * configuration folder of our own: data, logs and temporary files go to the run's folders.
 */
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SnapproofError } from '../errors.ts'
import { type Environment, isExecutable } from './jdk.ts'
import type { Installation, Launch, LaunchInput, Product } from './launch.ts'

/**
 * Kills its whole group when its standard input ends, that is when we were killed. `read` is built in, so the watchdog is one
 * process; the explicit `<&3` is needed because a background job of sh has /dev/null as its input.
 */
const watchdog = `exec 3<&0
(while read -r line <&3; do :; done; kill -KILL 0) >/dev/null 2>&1 &
"$@" </dev/null 3<&- &
wait $!`

/** Throws `no-distribution` when the folder holds none. */
export async function distributionInstallation(home: string, environment: Environment): Promise<Installation> {
  const root = resolve(home)
  const product = await productOf(root)
  const modules = new Set<string>()
  for (const folder of ['modules', 'plugins']) {
    for (const name of await readdir(join(root, folder)).catch(() => [])) modules.add(name)
  }
  return { product, modules, prepare: input => prepare(root, product, environment, input) }
}

async function productOf(home: string): Promise<Product> {
  for (const product of ['elasticsearch', 'opensearch'] as const) {
    if (await isExecutable(join(home, 'bin', product))) return product
  }
  throw new SnapproofError('no-distribution', `${home} holds no executable bin/elasticsearch or bin/opensearch`, {
    advice: 'Point the engine’s home at an unpacked distribution.',
  })
}

async function prepare(home: string, product: Product, environment: Environment, input: LaunchInput): Promise<Launch> {
  const { folders, heapMb } = input
  await cp(join(home, 'config'), folders.config, { recursive: true, force: true }).catch(error => {
    throw new SnapproofError('no-distribution', `${join(home, 'config')} cannot be copied`, { cause: error })
  })
  // Ours alone: what somebody wrote there must not reach a throwaway server. A copy that may only be read cannot be emptied.
  await rm(join(folders.config, `${product}.yml`), { force: true })
  await writeFile(join(folders.config, `${product}.yml`), '')
  const prefix = product === 'elasticsearch' ? 'ES' : 'OPENSEARCH'
  const own: Record<string, string> = {
    [`${prefix}_PATH_CONF`]: folders.config,
    [`${prefix}_JAVA_OPTS`]: `-Xms${heapMb}m -Xmx${heapMb}m`,
    [`${prefix}_TMPDIR`]: folders.temp,
  }
  const inherited = Object.entries(environment).filter(
    // The settings of another server on this machine are not ours; the bundled JDK is chosen by the script.
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(ES_|OPENSEARCH_|JAVA_TOOL_OPTIONS)/.test(entry[0]),
  )
  return {
    product,
    command: '/bin/sh',
    args: [
      '-c',
      watchdog,
      'snapproof-watchdog',
      join(home, 'bin', product),
      ...[...input.settings].map(([key, value]) => `-E${key}=${value}`),
    ],
    environment: { ...Object.fromEntries(inherited), ...own },
    cwd: folders.root,
  }
}
