/**
 * Kind `maven`: a server put together from Maven Central's jars, for the demo and the tests. It lacks what is not published
 * there: x-pack, painless, reindex, extra analyzers.
 *
 * The folder in the cache is complete or absent: it is built under another name and renamed.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { SnapproofError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Environment, findCommand, findJdk, type Jdk } from './jdk.ts'
import type { Installation, Launch, LaunchInput, Product } from './launch.ts'
import { type Family, familyOf } from './maven-families.ts'

export interface MavenOptions {
  readonly product: Product
  readonly version: string
  /** Installations are kept here, one folder each. */
  readonly cacheFolder: string
  readonly environment: Environment
  readonly signal: AbortSignal
  readonly log: Log
}

/** Raised when the layout of an installation changes, so that old ones are not used. */
const layoutVersion = 1
const mavenDeadlineMs = 15 * 60_000

/** Throws `no-jdk`, `no-maven`, `no-distribution`. */
export async function mavenInstallation(options: MavenOptions): Promise<Installation> {
  const family = familyOf(options.product, options.version)
  const jdk = await findJdk({ ...family.jdk, neededBy: `${options.product} ${options.version}` }, options.environment)
  const home = join(
    options.cacheFolder,
    `${options.product}-${options.version}-layout${layoutVersion + (family.revision ?? 0)}`,
  )
  if (!(await exists(home))) await build(home, family, jdk, options)
  return {
    product: options.product,
    modules: new Set(family.modules ?? []),
    prepare: input => prepare(home, family, jdk, options.environment, input),
  }
}

async function prepare(
  home: string,
  family: Family,
  jdk: Jdk,
  environment: Environment,
  input: LaunchInput,
): Promise<Launch> {
  const { folders } = input
  await writeFile(join(folders.config, `${family.product}.yml`), '')
  await writeFile(join(folders.config, 'log4j2.properties'), log4j)
  const launcher = fileURLToPath(new URL(`./launchers/${family.launcher}.java`, import.meta.url))
  const settings = [...input.settings, ...family.settings].map(([key, value]) => `${key}=${value}`)
  return {
    product: family.product,
    command: jdk.java,
    args: [
      `-Xms${input.heapMb}m`,
      `-Xmx${input.heapMb}m`,
      '-XX:+ExitOnOutOfMemoryError',
      `-XX:ErrorFile=${join(folders.logs, 'hs_err.log')}`,
      `-Djava.io.tmpdir=${folders.temp}`,
      // As its start script does; its repository-s3 asks for it.
      ...(family.product === 'opensearch' ? [`-Dopensearch.path.conf=${folders.config}`] : []),
      ...family.javaArguments(home),
      launcher,
      home,
      folders.config,
      ...settings,
    ],
    environment: { ...(environment.PATH ? { PATH: environment.PATH } : {}), LANG: 'C.UTF-8' },
    cwd: folders.root,
  }
}

async function build(home: string, family: Family, jdk: Jdk, options: MavenOptions): Promise<void> {
  const mvn = await findCommand('mvn', options.environment)
  if (mvn === null) {
    throw new SnapproofError(
      'no-maven',
      `${options.product} ${options.version} of kind maven needs the command mvn; it is not on PATH`,
      {
        advice: 'Install Apache Maven 3, or use an engine of kind distribution.',
      },
    )
  }
  options.log.info(`Fetching ${options.product} ${options.version} from Maven Central into ${home} (about 50 MB, once)`)
  await mkdir(options.cacheFolder, { recursive: true })
  const temporary = `${home}.${randomUUID()}`
  try {
    await mkdir(join(temporary, 'lib'), { recursive: true })
    await writeFile(join(temporary, 'pom.xml'), pom(family.artifacts(options.version)))
    await runMaven(mvn, temporary, jdk, options)
    await family.layOut(temporary, (jar, entryFolder) => unpack(jdk, jar, entryFolder, temporary, options.signal))
    await mkdir(join(temporary, 'plugins'), { recursive: true })
    await rename(temporary, home).catch(async error => {
      // Another process was quicker: its folder is as good.
      if (!(await exists(home))) throw error
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function runMaven(mvn: string, folder: string, jdk: Jdk, options: MavenOptions): Promise<void> {
  const result = await execa(
    mvn,
    [
      '-B',
      '-q',
      '-f',
      'pom.xml',
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(folder, 'lib')}`,
    ],
    {
      cwd: folder,
      env: { ...options.environment, JAVA_HOME: jdk.home },
      extendEnv: false,
      stdin: 'ignore',
      all: true,
      reject: false,
      timeout: mavenDeadlineMs,
      maxBuffer: 1024 * 1024,
      cancelSignal: options.signal,
      forceKillAfterDelay: 5_000,
    },
  )
  options.signal.throwIfAborted()
  if (!result.failed) return
  const words = String(result.all ?? '')
    .split('\n')
    .filter(line => line.includes('ERROR'))
    .slice(0, 3)
    .join(' ')
  throw new SnapproofError(
    'no-distribution',
    `mvn could not fetch ${options.product} ${options.version}: ${words === '' ? result.shortMessage : words}`,
    { advice: 'Check that the version exists on Maven Central and that Maven reaches it (settings.xml, proxy).' },
  )
}

/** Extracts the files of one folder of a jar and returns where they lie. */
async function unpack(
  jdk: Jdk,
  jar: string,
  entryFolder: string,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const target = join(folder, 'unpacked')
  await mkdir(target, { recursive: true })
  const result = await execa(join(jdk.home, 'bin', 'jar'), ['xf', jar, entryFolder], {
    cwd: target,
    reject: false,
    timeout: 60_000,
    cancelSignal: signal,
    forceKillAfterDelay: 5_000,
  })
  signal.throwIfAborted()
  const unpacked = join(target, entryFolder)
  if (result.failed || !(await exists(unpacked))) {
    throw new SnapproofError('no-distribution', `${jar} has no folder ${entryFolder}: ${result.shortMessage ?? ''}`)
  }
  return unpacked
}

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map(artifact => {
    const [groupId, artifactId, version] = artifact.split(':')
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>snapproof</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`
}

const log4j = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
