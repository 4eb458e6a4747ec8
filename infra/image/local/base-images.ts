/**
 * Stand-ins for the two images that the Dockerfile is built from, made without a registry: Debian by debootstrap, Node of npm,
 * a search server of Maven Central in the layout of the official image. Made once, kept in the engine's store.
 *
 * elastic/elasticsearch: distribution/docker/src/docker/Dockerfile.default @ 505eee8e (layout, owners, modes, environment, user)
 */
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { execa } from 'execa'
import { cacheFolder } from '../../../src/config/cache.ts'
import { findJdk } from '../../../src/engine/jdk.ts'
import { mavenInstallation } from '../../../src/engine/maven.ts'
import { describeError } from '../../../src/errors.ts'
import { silentLog } from '../../../src/log.ts'
import { sourceVersion } from '../../local/cluster.ts'
import { fetchNodeLts, nodeLtsVersion } from '../../local/fetch-node.ts'
import { installOnce, run } from '../../local/servers.ts'
import { containerArguments, findPodman, type Podman } from './podman.ts'

export interface BaseImages {
  readonly node: string
  readonly searchServer: string
}

/** Raised when something below changes, so that old images are not used. */
const layout = 2
const images: BaseImages = {
  node: `localhost/snapproof-base/node:${nodeLtsVersion}-layout${layout}`,
  searchServer: `localhost/snapproof-base/elasticsearch:${sourceVersion}-layout${layout}`,
}
/** The Dockerfile's. */
const suite = 'bookworm'
const mirror = 'http://deb.debian.org/debian'
const minute = 60_000

/**
 * The engine, with its base images made and a container run to its end; or in a few words why that cannot be had here: no engine, no
 * mirror of Debian, a kernel that lets us run no container. What comes after is ours to answer for.
 */
export async function readyPodman(say: (text: string) => void): Promise<Podman | string> {
  const podman = await findPodman()
  if (typeof podman === 'string') return podman
  try {
    const { node } = await ensureBaseImages(podman, say)
    const probe = containerArguments(`snapproof-probe-${process.pid}`, 60)
    await podman.ask([...probe, '--entrypoint', '/bin/true', node])
    return podman
  } catch (error) {
    return describeError(error)
  }
}

/** Says how long it takes where they have to be made. */
export async function ensureBaseImages(podman: Podman, say: (text: string) => void): Promise<BaseImages> {
  const cache = cacheFolder(process.env)
  const present = async () => {
    const ended = await Promise.all(Object.values(images).map(name => podman.tell(['image', 'exists', name])))
    return ended.every(({ code }) => code === 0)
  }
  if (await present()) return images
  let done = false
  await installOnce(
    join(cache, 'base-images'),
    () => done,
    async () => {
      if (await present()) return
      const started = performance.now()
      say('Making the base images of the image tests: Debian, Node, a search server (two or three minutes, once)')
      await mkdir(cache, { recursive: true })
      const work = await mkdtemp(join(cache, 'base-images-'))
      try {
        await make(podman, work)
      } finally {
        await rm(work, { recursive: true, force: true })
      }
      done = true
      say(`The base images are made, in ${Math.round((performance.now() - started) / 1000)} s`)
    },
  )
  return images
}

async function make(podman: Podman, work: string): Promise<void> {
  const debian = join(work, 'debian')
  const packages = 'tini,libatomic1,ca-certificates'
  const needs = 'the base images need debootstrap and a mirror of Debian'
  await run('debootstrap', ['--variant=minbase', `--include=${packages}`, suite, debian, mirror], needs)
  await layOutNode(join(work, 'node'))
  await buildImage(podman, images.node, work, 'node', ['ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["node"]'])
  await layOutSearchServer(join(work, 'server/usr/share/elasticsearch'))
  // Minimal systems have neither.
  const absent = ['./usr/lib/x86_64-linux-gnu/libatomic.so*', './usr/bin/tini*']
  await buildImage(podman, images.searchServer, work, 'server', serverFacts, absent)
}

const serverFacts = [
  'ENV ELASTIC_CONTAINER=true',
  'ENV PATH=/usr/share/elasticsearch/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'WORKDIR /usr/share/elasticsearch',
  'USER 1000:0',
  'ENTRYPOINT ["/bin/tini", "--", "/usr/local/bin/docker-entrypoint.sh"]',
  'CMD ["eswrapper"]',
]

/** As the official image has it, and what npm needs to know of this machine: who signs the registry's certificate. */
async function layOutNode(root: string): Promise<void> {
  const home = await fetchNodeLts()
  if (home === null) throw new Error('npm carries no Node for this platform')
  const { stdout: modules } = await execa('npm', ['root', '--global'], { timeout: minute })
  await mkdir(join(root, 'usr/local/bin'), { recursive: true })
  await cp(join(home, 'bin/node'), join(root, 'usr/local/bin/node'))
  await cp(join(home, 'include'), join(root, 'usr/local/include'), { recursive: true })
  await cp(join(modules.trim(), 'npm'), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
  const authorities = '/etc/ssl/certs/ca-certificates.crt'
  if (existsSync(authorities)) {
    await mkdir(join(root, 'etc/ssl/certs'), { recursive: true })
    await cp(authorities, join(root, authorities))
  }
  await mkdir(join(root, 'usr/local/etc'), { recursive: true })
  await writeFile(join(root, 'usr/local/etc/npmrc'), `cafile=${authorities}\nprefer-offline=true\n`)
}

/**
 * Everything belongs to root, may be read by all, and but for a few folders be written by nobody; the files in config, too, which
 * the official image lets its group write: another base may not.
 */
async function layOutSearchServer(home: string): Promise<void> {
  const cache = cacheFolder(process.env)
  const signal = AbortSignal.timeout(15 * minute)
  await mavenInstallation({
    product: 'elasticsearch',
    version: sourceVersion,
    cacheFolder: cache,
    environment: process.env,
    signal,
    log: silentLog,
  })
  const found = (await readdir(cache)).find(name => name.startsWith(`elasticsearch-${sourceVersion}-layout`))
  const installation = join(cache, found ?? '')
  for (const name of ['lib', 'modules', 'plugins'])
    await cp(join(installation, name), join(home, name), { recursive: true })
  const jdk = await findJdk({ minimum: 21, neededBy: 'the search server of the image tests' }, process.env)
  await cp(jdk.home, join(home, 'jdk'), {
    recursive: true,
    dereference: true,
    filter: path => !/\/(?:jmods|man)$/.test(path),
  })
  const launcher = 'LaunchElasticsearch8And9.java'
  await mkdir(join(home, 'launcher'))
  await cp(resolve(import.meta.dirname, '../../../src/engine/launchers', launcher), join(home, 'launcher', launcher))
  await mkdir(join(home, 'config'))
  // What a server of the official image would listen on: the throwaway one must not.
  await writeFile(join(home, 'config/elasticsearch.yml'), 'cluster.name: "docker-cluster"\nnetwork.host: 0.0.0.0\n')
  await cp(join(import.meta.dirname, 'log4j2.properties'), join(home, 'config/log4j2.properties'))
  const script = join(home, 'bin/elasticsearch')
  await mkdir(dirname(script))
  await cp(join(import.meta.dirname, 'elasticsearch.sh'), script)
  await run('chmod', ['-R', 'a=rX', home], 'chmod is needed')
  for (const name of ['config', 'plugins', 'bin']) await chmod(join(home, name), 0o775)
  for (const file of ['bin/elasticsearch', 'jdk/bin/java', 'jdk/lib/jspawnhelper']) await chmod(join(home, file), 0o555)
}

/** A Debian, with the overlay's files over it. */
async function buildImage(
  podman: Podman,
  name: string,
  work: string,
  overlay: string,
  facts: readonly string[],
  absent: readonly string[] = [],
): Promise<void> {
  const excluded = ['./var/cache/apt/archives/*.deb', './var/lib/apt/lists/*', './dev/*', ...absent]
  const archive = ['-cf', join(work, 'debian.tar'), '--numeric-owner', '-C', join(work, 'debian')]
  await run('tar', [...archive, ...excluded.map(pattern => `--exclude=${pattern}`), '.'], 'the base images need tar')
  const file = join(work, `${overlay}.dockerfile`)
  await writeFile(file, ['FROM scratch', 'ADD debian.tar /', `COPY ${overlay}/ /`, ...facts, ''].join('\n'))
  await podman.ask(['build', '--quiet', '--file', file, '--tag', name, work], { timeoutMs: 10 * minute })
}
