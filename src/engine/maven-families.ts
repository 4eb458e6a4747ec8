/** What differs between the servers that can be put together from Maven Central: artifacts, layout, how Java starts them. */
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { SnapproofError } from '../errors.ts'
import type { Product } from './launch.ts'

/** Extracts one folder of a jar; resolves with where its files lie. */
export type Unpack = (jar: string, entryFolder: string) => Promise<string>

export interface Family {
  readonly product: Product
  /** Class and file name below `launchers/`. */
  readonly launcher: string
  readonly jdk: { readonly minimum: number; readonly maximum?: number }
  /** Raised when the family's own artifacts change, so that old installations are not used. @default 0 */
  readonly revision?: number
  /** Modules beyond the transport. @default none */
  readonly modules?: readonly string[]
  /** `group:artifact:version`. */
  artifacts(version: string): readonly string[]
  /** Arranges `lib/` of a freshly fetched installation. */
  layOut(home: string, unpack: Unpack): Promise<void>
  javaArguments(home: string): readonly string[]
  readonly settings: ReadonlyMap<string, string>
}

const transportJars = /^(netty-|transport-netty4-)/

const elasticsearch8And9: Family = {
  product: 'elasticsearch',
  launcher: 'LaunchElasticsearch8And9',
  jdk: { minimum: 21 },
  artifacts: version => [
    `org.elasticsearch:elasticsearch:${version}`,
    `org.elasticsearch.plugin:transport-netty4:${version}`,
  ],
  layOut: async (home, unpack) => {
    const transport = (await readdir(join(home, 'lib'))).find(jar => jar.startsWith('transport-netty4-'))
    if (transport === undefined)
      throw new SnapproofError('no-distribution', 'the jar of transport-netty4 was not fetched')
    const descriptions = await unpack(join(home, 'lib', transport), 'META-INF/es-plugins/transport-netty4')
    await moveIntoModule(home, 'transport-netty4', transportJars, descriptions)
  },
  javaArguments: home => [
    '--module-path',
    join(home, 'lib'),
    '--add-modules=ALL-MODULE-PATH,jdk.incubator.vector,jdk.net',
    '--enable-native-access=ALL-UNNAMED,org.elasticsearch.nativeaccess,org.apache.lucene.core',
    `-Des.path.home=${home}`,
  ],
  settings: new Map(),
}

/** Before modules: everything on the class path. */
const elasticsearch7: Family = {
  product: 'elasticsearch',
  launcher: 'LaunchElasticsearch7',
  // Its script and security code know nothing of newer ones.
  jdk: { minimum: 17, maximum: 21 },
  artifacts: version => [
    `org.elasticsearch:elasticsearch:${version}`,
    `org.elasticsearch.plugin:transport-netty4-client:${version}`,
  ],
  layOut: async home => void (await mkdir(join(home, 'modules'))),
  javaArguments: home => ['-cp', join(home, 'lib', '*'), `-Des.path.home=${home}`],
  settings: new Map([
    ['http.type', 'netty4'],
    ['transport.type', 'netty4'],
  ]),
}

/** As Elasticsearch 7, from which it came. */
const opensearch2: Family = {
  product: 'opensearch',
  launcher: 'LaunchOpenSearch2',
  // Its distribution brings 21; newer ones have no security manager, which it asks for.
  jdk: { minimum: 17, maximum: 21 },
  artifacts: version => [
    `org.opensearch:opensearch:${version}`,
    `org.opensearch.plugin:transport-netty4-client:${version}`,
    'org.apache.logging.log4j:log4j-core:2.21.0',
  ],
  layOut: async home => void (await mkdir(join(home, 'modules'))),
  javaArguments: home => ['-cp', join(home, 'lib', '*'), `-Dopensearch.path.home=${home}`],
  settings: new Map([
    ['http.type', 'netty4'],
    ['transport.type', 'netty4'],
  ]),
}

const opensearch3: Family = {
  product: 'opensearch',
  launcher: 'LaunchOpenSearch3',
  jdk: { minimum: 21 },
  revision: 1,
  modules: ['repository-s3'],
  artifacts: version => [
    `org.opensearch:opensearch:${version}`,
    `org.opensearch.plugin:transport-netty4-client:${version}`,
    `org.opensearch.plugin:repository-s3:${version}`,
    // The server leaves the logging back end to its distribution.
    'org.apache.logging.log4j:log4j-core:2.21.0',
  ],
  layOut: async home => void (await mkdir(join(home, 'modules'))),
  javaArguments: home => [
    '-cp',
    join(home, 'lib', '*'),
    `-Dopensearch.path.home=${home}`,
    '-Dopensearch.set.netty.runtime.available.processors=false',
    '--enable-native-access=ALL-UNNAMED',
    '--add-modules=jdk.incubator.vector',
  ],
  settings: new Map([
    ['http.type', 'netty4'],
    ['transport.type', 'netty4'],
  ]),
}

/** Throws `no-distribution` for versions that were never tried. */
export function familyOf(product: Product, version: string): Family {
  const major = /^(\d+)\.\d+\.\d+$/.exec(version)?.[1]
  if (product === 'elasticsearch' && (major === '8' || major === '9')) return elasticsearch8And9
  if (product === 'elasticsearch' && version.startsWith('7.17.')) return elasticsearch7
  if (product === 'opensearch' && major === '2') return opensearch2
  if (product === 'opensearch' && major === '3') return opensearch3
  throw new SnapproofError('no-distribution', `an engine of kind maven cannot be ${product} ${version}`, {
    advice:
      'Possible are elasticsearch 7.17, 8.19 and 9.x, and opensearch 2.x and 3.x; use kind distribution for others.',
  })
}

/** Moves the jars whose names match into a module's folder, and copies the module's own files beside them. */
async function moveIntoModule(home: string, module: string, jars: RegExp, descriptions: string | null): Promise<void> {
  const folder = join(home, 'modules', module)
  await mkdir(folder, { recursive: true })
  for (const jar of await readdir(join(home, 'lib'))) {
    if (jars.test(jar)) await rename(join(home, 'lib', jar), join(folder, jar))
  }
  if (descriptions === null) return
  for (const file of await readdir(descriptions)) await copyFile(join(descriptions, file), join(folder, file))
}
