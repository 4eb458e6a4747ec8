/** What a container is run with. */
import { resolve } from 'node:path'
import { SnapproofError } from '../errors.ts'
import { type ContainerTool, toolWords } from './containerTool.ts'
import type { Product } from './launch.ts'
import type { EngineOptions } from './options.ts'
import { nodeSettings } from './settings.ts'

/** What an image holds. */
export interface Inside {
  readonly product: Product
  /** `/usr/share/elasticsearch` or `/usr/share/opensearch`. */
  readonly home: string
  /** Modules and plugins. */
  readonly modules: ReadonlySet<string>
}

/** The official image of the version, unless another is configured. */
export function imageOf({
  image,
  product = 'elasticsearch',
  version,
}: Pick<EngineOptions, 'image' | 'product' | 'version'>): string {
  if (image) return image
  return product === 'elasticsearch'
    ? `docker.elastic.co/elasticsearch/elasticsearch:${version}`
    : `docker.io/opensearchproject/opensearch:${version}`
}

const look = `for product in elasticsearch opensearch; do
  home=/usr/share/$product
  [ -x $home/bin/$product ] || continue
  echo "product $product"
  ls -1 $home/modules $home/plugins 2>/dev/null
done
exit 0`

/** Some settings exist only with the modules they belong to. Throws `no-distribution`, `engine-start`. */
export async function lookInside(tool: ContainerTool, image: string, { name, signal }: EngineOptions): Promise<Inside> {
  const args = ['run', '--rm', '--network', 'none', '--entrypoint', '/bin/sh', image, '-c', look]
  const { code, stdout, stderr } = await tool.tell(args, { timeoutMs: 120_000, signal })
  if (code !== 0) {
    const how = code === null ? 'did not end within 120 s' : `ended with ${code}`
    throw new SnapproofError('engine-start', `engine ${name}: a look into ${image} ${how}: ${toolWords(stderr)}`, {
      advice: `Try it by hand: ${tool.command} run --rm --entrypoint /bin/sh ${image} -c true`,
    })
  }
  const lines = stdout.split('\n').map(line => line.trim())
  const product = lines.find(line => line.startsWith('product '))?.slice('product '.length)
  if (product !== 'elasticsearch' && product !== 'opensearch') {
    const message = `engine ${name}: the image ${image} holds neither /usr/share/elasticsearch nor /usr/share/opensearch`
    throw new SnapproofError('no-distribution', message, {
      advice: 'Name an image that is laid out like the official ones.',
    })
  }
  return {
    product,
    home: `/usr/share/${product}`,
    modules: new Set(lines.filter(line => /^[a-z0-9][a-z0-9_.-]*$/.test(line))),
  }
}

/** As of any single node, but it is reached from outside the container. Only HTTP is. */
export function containerSettings(inside: Inside, mountedAt: string, maps: number | null): Map<string, string> {
  const { home, modules, product } = inside
  const folder = (name: string) => `${home}/${name}`
  const settings = nodeSettings({
    product,
    modules,
    memoryMaps: maps,
    clusterName: 'snapproof',
    folders: {
      root: home,
      data: folder('data'),
      logs: folder('logs'),
      temp: '/tmp',
      repositories: mountedAt,
      config: folder('config'),
    },
  })
  settings.delete('node.portsfile')
  settings.set('http.host', '0.0.0.0')
  settings.set('http.port', '9200')
  return settings
}

export interface ContainerInput {
  readonly name: string
  readonly image: string
  readonly inside: Inside
  readonly network: 'internal' | 'published'
  readonly labels: readonly string[]
  readonly settings: ReadonlyMap<string, string>
  readonly mountedAt: string
  readonly options: EngineOptions
}

/** Beyond the heap: direct memory as much again at most, metaspace, stacks, and pages of files that can be dropped. */
export function memoryLimitMb({ heapMb, memoryMb }: Pick<EngineOptions, 'heapMb' | 'memoryMb'>): number {
  return memoryMb ?? 2 * heapMb + 512
}

/** Arguments of `docker run`. The image's own user is kept; our group lets it read the repositories. */
export function containerArguments(input: ContainerInput): string[] {
  const { inside, labels, mountedAt, name, network, options, settings } = input
  const prefix = inside.product === 'elasticsearch' ? 'ES' : 'OPENSEARCH'
  const { heapMb } = options
  const environment = new Map([...settings, [`${prefix}_JAVA_OPTS`, `-Xms${heapMb}m -Xmx${heapMb}m`] as const])
  if (inside.product === 'opensearch') {
    environment.set('DISABLE_INSTALL_DEMO_CONFIG', 'true')
    environment.set('DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI', 'true')
  }
  // In a rootless podman the group of our files is 0 inside; elsewhere groups have one number inside and out.
  const rootless = options.command?.includes('podman') === true && process.getuid?.() !== 0
  const group = rootless ? 0 : (process.getgid?.() ?? 0)
  return [
    ...['run', '--rm', '--name', name, '--hostname', 'snapproof', ...labels],
    ...(network === 'internal' ? ['--network', name] : ['--network', 'bridge', '--publish', '127.0.0.1::9200']),
    ...['--memory', `${memoryLimitMb(options)}m`, '--pids-limit', '4096', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--security-opt', 'label=disable', '--group-add', String(group)],
    ...(options.readOnly === false ? [] : ['--read-only']),
    ...['--tmpfs', '/tmp:rw,exec,nosuid,nodev,mode=1777,size=512m'],
    // Anonymous: filled from the image, and removed with the container.
    ...['data', 'logs', 'config'].flatMap(folder => ['--volume', `${inside.home}/${folder}`]),
    ...['--mount', `type=bind,source=${resolve(options.repositoryFolder ?? '/')},target=${mountedAt},readonly`],
    ...[...environment].flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    input.image,
  ]
}
