/** A generated repository into a store or a folder, in the order of a server: `index-N` last but for `index.latest`. */
import type { BlobWriter } from '../../../src/blobs/port.ts'
import { GeneratedKeys } from './keys.ts'
import { generatedReader } from './reader.ts'
import { generationOf, type RepositoryShape } from './shape.ts'

export interface WrittenRepository {
  readonly blobs: number
  readonly bytes: number
}

/**
 * What is there already and belongs to the repository is written again; what does not belong to it any more is deleted:
 * writing the next night over the last one leaves what a server would leave.
 */
export async function writeRepository(
  shape: RepositoryShape,
  store: BlobWriter,
  signal: AbortSignal,
): Promise<WrittenRepository> {
  if (!shape.data) throw new RangeError('a repository is written with its data: the shape needs data: true')
  const reader = generatedReader(shape)
  const roots = new Set([`index-${generationOf(shape)}`, 'index.latest'])
  const written = { blobs: 0, bytes: 0 }
  const put = async (key: string): Promise<void> => {
    const { bytes } = await reader.read(key, { maxBytes: 2 ** 31, signal })
    await store.put(key, bytes, { signal })
    written.blobs++
    written.bytes += bytes.length
  }
  const keys = new GeneratedKeys(shape)
  for (const { key } of keys.list('', '', false)) if (!roots.has(key)) await put(key)
  for (const key of roots) await put(key)
  const stale: string[] = []
  for await (const { key } of store.list('', { signal })) if (keys.find(key) === null) stale.push(key)
  for (const key of stale) await store.delete(key, { signal })
  return written
}
