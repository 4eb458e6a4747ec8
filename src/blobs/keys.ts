/**
 * Keys: which are possible, how they are ordered, and how a base path stands before them. Pure.
 *
 * Order is ascending by UTF-8 bytes, as S3 lists, which differs from JavaScript's order (UTF-16 units) where characters
 * beyond U+FFFF meet characters from U+E000 to U+FFFF.
 */

/** Longest key that S3 takes, in UTF-8 bytes. */
export const maxKeyBytes = 1024

/** Negative, zero or positive: the order of two keys by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

/** Surrogates (characters beyond U+FFFF) after U+E000 to U+FFFF, as their UTF-8 bytes are. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

/**
 * Why no store of ours can hold this key, or null when it can. Keys come out of repository metadata, so they are
 * distrusted before they become a path or a request.
 */
export function keyProblem(key: string): string | null {
  if (key === '') return 'it is empty'
  if (key.includes('\0')) return 'it holds a NUL'
  if (/\p{Surrogate}/u.test(key)) return 'it is not valid Unicode'
  if (Buffer.byteLength(key) > maxKeyBytes) return `it is longer than ${maxKeyBytes} bytes`
  for (const segment of key.split('/')) {
    if (segment === '') return 'it has an empty segment'
    if (segment === '.' || segment === '..') return `it has a segment "${segment}"`
  }
  return null
}

/**
 * A base path as the prefix of full keys: `''` or something that ends with `/`. As Elasticsearch does it
 * (elastic/elasticsearch: BlobPath.buildAsString @ 9.5.3): one slash is added unless there is one, nothing is
 * collapsed. A leading slash is not part of the key.
 */
export function basePrefix(basePath: string): string {
  const path = basePath.replace(/^\/+/, '')
  return path === '' || path.endsWith('/') ? path : `${path}/`
}

/** Does this key, or prefix of keys, count from the bucket's root and not from the base path? */
export function isFromRoot(key: string): boolean {
  return key.startsWith('/')
}

/** A key as it may stand in a message: control characters made visible, cut at 200 characters. */
export function printableKey(key: string): string {
  // JSON escapes C0; the other controls and lone surrogates are not for a terminal either.
  const escaped = JSON.stringify(key)
    .slice(1, -1)
    .replace(
      /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
      c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  return escaped.length <= 200 ? escaped : `${escaped.slice(0, 199)}…`
}
