/**
 * Pure: what a throwaway server is told, and what a restore is told.
 *
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/common/settings/ClusterSettings.java @ 9.5.3,
 * docs "Restore snapshot API"; the restore settings were measured on 9.5.3 with an index restored from every snapshot.
 */
import type { Product, RunFolders } from './launch.ts'

/** Below this the server's memory maps run out (docs: "Virtual memory" asks for 262144). */
const neededMemoryMaps = 262_144

export interface NodeSettingsInput {
  readonly product: Product
  readonly folders: RunFolders
  readonly clusterName: string
  readonly modules: ReadonlySet<string>
  /** `vm.max_map_count`; null where the system has no such limit. */
  readonly memoryMaps: number | null
}

/**
 * Settings of a single node that listens on loopback only. Port 0: the system chooses, and with `node.portsfile` the
 * server writes the bound address into its log folder, so two engines never race for a port.
 */
export function nodeSettings(input: NodeSettingsInput): Map<string, string> {
  const { folders, modules, product } = input
  const settings = new Map<string, string>([
    ['cluster.name', input.clusterName],
    ['node.name', 'snapproof'],
    ['network.host', '127.0.0.1'],
    ['http.port', '0'],
    ['transport.port', '0'],
    ['node.portsfile', 'true'],
    ['discovery.type', 'single-node'],
    ['path.data', folders.data],
    ['path.logs', folders.logs],
    ['path.repo', folders.repositories],
    ['action.destructive_requires_name', 'true'],
    // The mirror watches the disk. With watermarks on, a full disk of ours looks like a shard that cannot be allocated.
    ['cluster.routing.allocation.disk.threshold_enabled', 'false'],
    ['indices.recovery.max_bytes_per_sec', '-1'],
    ['cluster.routing.allocation.node_initial_primaries_recoveries', '16'],
    ['cluster.max_shards_per_node', '100000'],
  ])
  if (input.memoryMaps !== null && input.memoryMaps < neededMemoryMaps) settings.set('node.store.allow_mmap', 'false')
  if (product === 'elasticsearch') {
    if (modules.has('x-pack-security')) settings.set('xpack.security.enabled', 'false')
    if (modules.has('x-pack-ml')) settings.set('xpack.ml.enabled', 'false')
    if (modules.has('x-pack-watcher')) settings.set('xpack.watcher.enabled', 'false')
    // Would fetch databases from the internet.
    if (modules.has('ingest-geoip')) settings.set('ingest.geoip.downloader.enabled', 'false')
  } else if (modules.has('opensearch-security')) {
    settings.set('plugins.security.disabled', 'true')
  }
  return settings
}

export interface RestoreBodyInput {
  readonly product: Product
  /** Literal name of the index in the snapshot. */
  readonly index: string
  readonly target: string
  /** The feature state that restores it; it keeps its name then. */
  readonly feature?: string
  readonly checksumAtStart?: boolean
  /** Lucene's CheckIndex over every segment when a shard starts; compares the checksums too. */
  readonly deep?: boolean
}

/** The whole index, renamed, without anything that could hinder a single node or touch another index. */
export function restoreBody(input: RestoreBodyInput): Record<string, unknown> {
  return {
    ...(input.feature === undefined ? renamed(input) : { indices: ['-*'], feature_states: [input.feature] }),
    ignore_unavailable: false,
    include_global_state: false,
    include_aliases: false,
    // A feature comes whole or not at all, and another of its indices may be incomplete; this one is not: that is looked at.
    partial: input.feature !== undefined,
    index_settings: {
      'index.number_of_replicas': 0,
      'index.auto_expand_replicas': false,
      'index.refresh_interval': '-1',
      // A server merges what it has just restored where it finds many small segments: work for nothing, and files that the next
      // link of a chain would have kept.
      'index.merge.policy.segments_per_tier': 1000,
      'index.allocation.max_retries': 0,
      // A server looks after its own system indices: what has run out is deleted from them as soon as they are there.
      ...(input.feature === undefined ? {} : { 'index.blocks.write': true }),
      ...(input.checksumAtStart === true ? { 'index.shard.check_on_startup': 'checksum' } : {}),
      ...(input.deep === true ? { 'index.shard.check_on_startup': 'true' } : {}),
    },
    ignore_index_settings: [
      'index.routing.allocation.*',
      'index.lifecycle.*',
      'index.plugins.index_state_management.*',
      'index.opendistro.index_state_management.*',
      'index.search.throttled',
      'index.frozen',
      // Whoever may not read or look cannot tell whether all is there, and what may not be deleted would stay. The write block
      // stays: Elasticsearch 9 takes an index of 7 only with it.
      'index.blocks.read',
      'index.blocks.metadata',
      'index.blocks.read_only',
      'index.blocks.read_only_allow_delete',
    ],
  }
}

function renamed({ index, target, product }: RestoreBodyInput): Record<string, unknown> {
  return {
    indices: [index],
    ...(product === 'elasticsearch' ? { feature_states: ['none'] } : {}),
    // Java replaces every match: `(.*)` would match twice. The target is a safe name, without `$` and `\`.
    rename_pattern: '^(.+)$',
    rename_replacement: target,
  }
}

/**
 * Why a name read from a repository must not be sent to a server, or null. Names are passed literally; a pattern, list or
 * exclusion would restore something else than what was asked for.
 * elastic/elasticsearch: server/src/main/java/org/elasticsearch/snapshots/SnapshotUtils.java @ 9.5.3
 */
export function unsafeName(name: string): string | null {
  if (name === '') return 'it is empty'
  if (Buffer.byteLength(name) > 255) return 'it is longer than 255 bytes'
  if (name === '_all' || name === '.' || name === '..') return 'it has a meaning of its own'
  if (/^[-+_]/.test(name)) return `it starts with ${name[0]}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among what is refused
  const bad = /[\u0000-\u0020\u007f*?,"<>|\\/#]/u.exec(name)
  return bad === null ? null : `it contains ${JSON.stringify(bad[0])}`
}

/** A name of our own for targets and repositories. */
export function isOurName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,199}$/.test(name) && !name.includes('..')
}
