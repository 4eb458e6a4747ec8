/**
 * Finds a JDK. The version is read from the `release` file that every JDK carries, so nothing is started to ask.
 *
 * Looked at: `JAVA_HOME`, every folder of `PATH`, and the usual folders of Linux, macOS, SDKMAN and IDEs. The newest within
 * the bounds wins; of equals the one found first.
 */
import { access, constants, readdir, readFile, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { SnapproofError } from '../errors.ts'

export interface Jdk {
  readonly home: string
  /** Absolute path of `bin/java`. */
  readonly java: string
  /** Feature version, such as 25. */
  readonly version: number
}

export interface JdkWanted {
  /** Feature versions, both included. */
  readonly minimum: number
  readonly maximum?: number
  /** For the message: what needs it. */
  readonly neededBy: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Throws `no-jdk`, naming what was found where. `folders` replaces the usual folders, for tests. */
export async function findJdk(wanted: JdkWanted, environment: Environment, folders?: readonly string[]): Promise<Jdk> {
  const places = folders ?? usualFolders(environment)
  const found = await installedJdks(environment, places)
  const maximum = wanted.maximum ?? Number.POSITIVE_INFINITY
  const fitting = found.filter(jdk => jdk.version >= wanted.minimum && jdk.version <= maximum)
  const best = fitting.reduce<Jdk | null>((a, b) => (a === null || b.version > a.version ? b : a), null)
  if (best !== null) return best
  const range = wanted.maximum === undefined ? `${wanted.minimum} or newer` : `${wanted.minimum} to ${wanted.maximum}`
  const seen = found.map(jdk => `${jdk.version} in ${jdk.home}`).join(', ')
  throw new SnapproofError(
    'no-jdk',
    `${wanted.neededBy} needs a JDK ${range}; found ${seen === '' ? 'none' : `only ${seen}`}; looked at JAVA_HOME (${environment.JAVA_HOME || 'not set'}), PATH, ${places.join(', ')}`,
    {
      advice: `Install a JDK ${range} (with javac) and set JAVA_HOME to its folder, or use an engine of kind distribution.`,
    },
  )
}

/** Every JDK that is really there, without doubles, in the order looked at. */
async function installedJdks(environment: Environment, folders: readonly string[]): Promise<Jdk[]> {
  const homes: string[] = []
  if (environment.JAVA_HOME) homes.push(environment.JAVA_HOME)
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    const java = folder === '' ? null : await realpath(join(folder, 'java')).catch(() => null)
    if (java !== null) homes.push(dirname(dirname(java)))
  }
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.sort()) homes.push(join(folder, name), join(folder, name, 'Contents', 'Home'))
  }
  const jdks = new Map<string, Jdk>()
  for (const home of homes) {
    const real = await realpath(home).catch(() => null)
    if (real === null || jdks.has(real)) continue
    const jdk = await readJdk(real)
    if (jdk !== null) jdks.set(real, jdk)
  }
  return [...jdks.values()]
}

/** Null where the folder holds no JDK; a mere runtime without javac cannot run our launcher's source. */
async function readJdk(home: string): Promise<Jdk | null> {
  const java = join(home, 'bin', 'java')
  const release = await readFile(join(home, 'release'), 'utf8').catch(() => null)
  const version = release === null ? null : featureVersion(release)
  if (version === null) return null
  for (const tool of [java, join(home, 'bin', 'javac'), join(home, 'bin', 'jar')]) {
    if (!(await isExecutable(tool))) return null
  }
  return { home, java, version }
}

/** `JAVA_VERSION="1.8.0_392"` is 8, `"25.0.1"` and `"26-ea"` are 25 and 26; null when the text names no version. */
export function featureVersion(release: string): number | null {
  const match = /^JAVA_VERSION="?(?:1\.)?(\d+)/m.exec(release)
  return match?.[1] === undefined ? null : Number(match[1])
}

function usualFolders(environment: Environment): string[] {
  const home = environment.HOME
  return [
    '/usr/lib/jvm',
    '/usr/java',
    '/usr/local/java',
    '/opt',
    '/opt/java',
    '/Library/Java/JavaVirtualMachines',
    ...(home
      ? [join(home, '.sdkman/candidates/java'), join(home, '.jdks'), join(home, 'Library/Java/JavaVirtualMachines')]
      : []),
  ]
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Absolute path of a command on `PATH`; null where there is none. */
export async function findCommand(name: string, environment: Environment): Promise<string | null> {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, name)))) return join(folder, name)
  }
  return null
}
