/** ListObjectsV2: prefix, delimiter `/`, start-after, continuation, max-keys, encoding-type. */
import type { ServerResponse } from 'node:http'
import { listedFile } from '../../../src/blobs/directory-stat.ts'
import { walk } from '../../../src/blobs/directory-walk.ts'
import { listedFacts } from './facts.ts'
import type { S3Request } from './server.ts'
import { S3Refusal, sendXml, xml } from './wire.ts'

const maxKeysPerPage = 1000

export async function listObjects(
  { bucket, query, headers, signal, factsOf }: S3Request,
  folder: string,
  response: ServerResponse,
): Promise<void> {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const startAfter = query.get('start-after') ?? ''
  const token = query.get('continuation-token')
  const encoding = query.get('encoding-type')
  const maxKeys = Math.min(maxKeysPerPage, Number(query.get('max-keys') ?? maxKeysPerPage))
  if (!Number.isInteger(maxKeys) || maxKeys < 0) throw new S3Refusal(400, 'InvalidArgument', 'max-keys must be a count')
  if (delimiter !== '' && delimiter !== '/')
    throw new S3Refusal(501, 'NotImplemented', 'The only delimiter served is /')
  if (encoding !== null && encoding !== 'url')
    throw new S3Refusal(400, 'InvalidArgument', 'Invalid Encoding Method specified in Request')
  const shown = encoding === 'url' ? encodeKey : (key: string) => key

  const entries: string[] = []
  let last = ''
  let truncated = false
  const after = token === null ? startAfter : tokenKey(token)
  for await (const entry of walk(folder, {
    prefix,
    startAfter: after,
    depth: delimiter === '' ? 'all' : 'root',
    signal,
  })) {
    if (entry.kind === 'folder' && (entry.key === after || (await isEmpty(folder, entry.key, signal)))) continue
    if (entries.length === maxKeys) {
      truncated = maxKeys > 0
      break
    }
    last = entry.key
    if (entry.kind === 'folder') {
      entries.push(xml`<CommonPrefixes><Prefix>${shown(entry.key)}</Prefix></CommonPrefixes>`)
      continue
    }
    const { bytes, etag, modifiedMs } = listedFile(entry.key, entry.stats)
    const known = xml`<Key>${shown(entry.key)}</Key><LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>${etag ?? ''}</ETag><Size>${bytes}</Size>`
    entries.push(`<Contents>${known}${listedFacts(factsOf(entry.key), headers)}</Contents>`)
  }
  const next = truncated ? xml`<NextContinuationToken>${keyToken(last)}</NextContinuationToken>` : ''
  const head =
    xml`<Name>${bucket}</Name><Prefix>${shown(prefix)}</Prefix><MaxKeys>${maxKeys}</MaxKeys><KeyCount>${entries.length}</KeyCount><IsTruncated>${truncated}</IsTruncated>` +
    (encoding === null ? '' : '<EncodingType>url</EncodingType>') +
    (delimiter === '' ? '' : '<Delimiter>/</Delimiter>')
  sendXml(
    response,
    200,
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${head}${next}${entries.join('')}</ListBucketResult>`,
  )
}

/** S3 has no empty folders. */
async function isEmpty(folder: string, key: string, signal: AbortSignal): Promise<boolean> {
  for await (const _ of walk(folder, { prefix: key, startAfter: '', depth: 'all', signal })) return false
  return true
}

/** As S3 does it: form encoding, slashes as they are. */
function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function keyToken(key: string): string {
  return Buffer.from(key).toString('base64url')
}

function tokenKey(token: string): string {
  return Buffer.from(token, 'base64url').toString()
}
