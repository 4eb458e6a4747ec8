/**
 * `indices/<id>/meta-<x>.dat`: settings, mapping and aliases of one index as they were snapshotted.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/cluster/metadata/{IndexMetadata, MappingMetadata}.java,
 * …/common/compress/CompressedXContent.java @ 9.5.3
 */
import type { IndexMetadata } from '../model/content.ts'
import { flattenMapping } from '../model/mapping.ts'
import { backingOf } from './backing.ts'
import { DecodeError } from './decode-error.ts'
import { badValue, get, isObject, object } from './fields.ts'
import { decodeMetadataBlob, defaultMaxInflatedBytes, inflate, isDeflated, isSmile } from './framing.ts'
import { decodeSmile, type SmileObject, type SmileValue } from './smile.ts'

/** Servers allow 1,024 unless a system property raises it; it bounds what one small blob can make us ask for. */
const maxShards = 10_240

export interface DecodedIndexMetadata {
  /** The root key: the index that the blob is about. */
  readonly name: string
  /** `index.uuid` of the cluster; identifiers begin with it. */
  readonly uuid: string | null
  /** `<history uuid>-<settings>-<mapping>-<aliases version>`, the rest of the identifier; null where a version is absent. */
  readonly versions: string | null
  readonly metadata: IndexMetadata
}

export function decodeIndexMetadata(bytes: Buffer, maxInflatedBytes = defaultMaxInflatedBytes): DecodedIndexMetadata {
  const roots = Object.entries(decodeMetadataBlob(bytes, ['index-metadata'], maxInflatedBytes))
  const [name, value] = roots[0] ?? ['', undefined]
  if (roots.length !== 1) throw new DecodeError('bad-value', 0, `${roots.length} indices in one index metadata blob`)
  const index = object(value, 'index metadata')
  const settings = flattenSettings(get(index, 'settings'))
  const fields = new Map<string, string>()
  for (const mapping of mappingsOf(index, maxInflatedBytes)) {
    for (const [path, type] of flattenMapping(mapping)) fields.set(path, type)
  }
  const state = get(index, 'state')
  const aliases = get(index, 'aliases')
  const mounted = settings.get('index.store.type') === 'snapshot'
  return {
    name,
    uuid: settings.get('index.uuid') ?? null,
    versions: versionsOf(index, settings),
    metadata: {
      shardCount: shardCount(settings),
      createdVersion: wholeNumber(settings.get('index.version.created')),
      state: state === 'close' ? 'close' : 'open',
      hidden: settings.get('index.hidden') === 'true',
      system: get(index, 'system') === true,
      mounted,
      ...(mounted ? { backing: backingOf(settings) } : {}),
      hasNested: [...fields.values()].includes('nested'),
      ...(isRolledOver(index) ? { rolledOver: true } : {}),
      aliases: isObject(aliases) ? Object.keys(aliases).sort() : [],
      fields,
      settings,
    },
  }
}

/** elastic/elasticsearch: …/repositories/IndexMetaDataGenerations.java#buildUniqueIdentifier @ 9.5.3 */
function versionsOf(index: SmileObject, settings: ReadonlyMap<string, string>): string | null {
  const versions = ['settings_version', 'mapping_version', 'aliases_version'].map(key => get(index, key))
  if (!versions.every(version => typeof version === 'number')) return null
  return `${settings.get('index.history.uuid') ?? '_na_'}-${versions.join('-')}`
}

/** Source: …/cluster/metadata/IndexMetadata.java, KEY_ROLLOVER_INFOS and AliasMetadata.java, is_write_index @ 9.5.3 */
function isRolledOver(index: SmileObject): boolean {
  const infos = get(index, 'rollover_info')
  if (isObject(infos) && Object.keys(infos).length > 0) return true
  const aliases = get(index, 'aliases')
  if (!isObject(aliases)) return false
  return Object.values(aliases).some(alias => isObject(alias) && get(alias, 'is_write_index') === false)
}

function shardCount(settings: ReadonlyMap<string, string>): number {
  const written = settings.get('index.number_of_shards')
  const shards = wholeNumber(written)
  if (shards === null || shards < 1 || shards > maxShards)
    throw badValue('index.number_of_shards', `a number from 1 to ${maxShards}`, written)
  return shards
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** Flat keys in every version read; nested objects are flattened all the same. Lists become `a,b`. */
function flattenSettings(value: SmileValue | undefined): Map<string, string> {
  const settings = new Map<string, string>()
  const visit = (object: SmileObject, prefix: string): void => {
    for (const [key, entry] of Object.entries(object)) {
      if (isObject(entry)) visit(entry, `${prefix}${key}.`)
      else if (entry !== null) settings.set(prefix + key, Array.isArray(entry) ? entry.join(',') : String(entry))
    }
  }
  if (isObject(value)) visit(value, '')
  return settings
}

/** One per mapping type: `[{ "_doc": {…} }]`, `{ "_doc": {…} }`, or compressed bytes of the latter. */
function mappingsOf(index: SmileObject, maxInflatedBytes: number): SmileObject[] {
  const value = get(index, 'mappings')
  const entries = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return entries.flatMap(entry => {
    const mapping = Buffer.isBuffer(entry) ? decodeMapping(entry, maxInflatedBytes) : object(entry, 'mappings')
    return Object.values(mapping).filter(isObject)
  })
}

function decodeMapping(bytes: Buffer, maxInflatedBytes: number): SmileObject {
  const plain = isDeflated(bytes) ? inflate(bytes, maxInflatedBytes) : bytes
  if (isSmile(plain)) return object(decodeSmile(plain), 'mapping')
  try {
    return object(JSON.parse(plain.toString('utf8')) as SmileValue, 'mapping')
  } catch (error) {
    if (error instanceof DecodeError) throw error
    throw new DecodeError('bad-value', 0, 'the mapping is not JSON', { cause: error })
  }
}
