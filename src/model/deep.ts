/** How far `work.deep` goes with which server. Pure. */

/**
 * `structure`: CheckIndex reads all that is in the files. `checksums`: it compares the checksums, which the mirror has done before.
 *
 * Since Lucene 10 CheckIndex does no more unless it is told a level, and neither server tells one.
 * Source: apache/lucene: lucene/core/…/index/CheckIndex.java (Level.DEFAULT_VALUE) @ 8.11.3, 10.3.1, 10.5.1;
 * elastic/elasticsearch: server/…/index/store/Store.java#checkIndex @ 9.5.3; tried on 7.17.28 and 9.5.3.
 */
export type Depth = 'structure' | 'checksums'

export function depthOf({ product, version }: { readonly product: string; readonly version: string }): Depth {
  const lucene10 = product === 'opensearch' ? 3 : 9
  return Number.parseInt(version, 10) < lucene10 ? 'structure' : 'checksums'
}
