/**
 * Finds the prefix of hashed shard folders, which `index-N` does not hold. Nothing here accuses anybody: what cannot be
 * learnt is null.
 */
import type { BlobReader } from '../blobs/port.ts'
import { isSnapproofError } from '../errors.ts'
import type { IndexEntry } from '../model/repository.ts'
import { decodeStatedPaths, folderOfShard, pathTypes, statedPathsFolder, statedPathsKeys } from './shard-folders.ts'

/** Blobs that are tried until one is understood. */
const tries = 8
const maxBytes = 4 * 1024 ** 2

export class ShardPathsReader {
  private readonly blobs: BlobReader
  private readonly basePath: string
  private first: Promise<string> | null = null

  constructor(blobs: BlobReader) {
    this.blobs = blobs
    this.basePath = blobs.basePath ?? ''
  }

  /**
   * By shard number, with the prefix that the first index states whose paths are stated, else with none. Costs two requests
   * in a repository with hashed folders and nothing in others. Null for a path type that is not known.
   */
  async usual(index: IndexEntry, shards: number, signal: AbortSignal): Promise<string[] | null> {
    if (index.shardPathType === pathTypes.fixed) return this.folders(index, shards, '')
    this.first ??= this.prefixBelow(statedPathsFolder, null, signal).then(prefix => prefix ?? '')
    try {
      return this.folders(index, shards, await this.first)
    } catch (error) {
      // Another caller may have aborted; the next one asks again.
      this.first = null
      throw error
    }
  }

  /** What the index's own blob states; null where there is none that can be read and understood. */
  async stated(index: IndexEntry, shards: number, signal: AbortSignal): Promise<string[] | null> {
    const prefix = await this.prefixBelow(statedPathsKeys(index.id), index.id, signal)
    return prefix === null ? null : this.folders(index, shards, prefix)
  }

  private folders(index: IndexEntry, shards: number, prefix: string): string[] | null {
    const folders: string[] = []
    for (let shard = 0; shard < shards; shard++) {
      const folder = folderOfShard(index, shard, { prefix, basePath: this.basePath })
      if (folder === null) return null
      folders.push(folder)
    }
    return folders
  }

  private async prefixBelow(keys: string, id: string | null, signal: AbortSignal): Promise<string | null> {
    try {
      let left = tries
      for await (const { key } of this.blobs.list(keys, { depth: 'root', signal })) {
        if (left-- === 0) return null
        const { bytes } = await this.blobs.read(key, { maxBytes, signal })
        const stated = decodeStatedPaths(bytes, this.basePath)
        if (stated !== null && (id === null || stated.id === id)) return stated.prefix
      }
      return null
    } catch (error) {
      signal.throwIfAborted()
      if (!isSnapproofError(error)) throw error
      return null
    }
  }
}
