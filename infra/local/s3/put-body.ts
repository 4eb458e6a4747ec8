/** The body of a PUT: aws-chunked or plain, with every checksum that came along verified. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { S3Refusal } from './wire.ts'

const maxBodyBytes = 512 * 1024 * 1024

export async function readPutBody(message: IncomingMessage): Promise<Buffer> {
  const { headers } = message
  const raw = await readAll(message)
  const chunked = /(^|,)\s*aws-chunked\s*(,|$)/.test(headers['content-encoding'] ?? '')
  const { body, trailers } = chunked ? decodeChunked(raw) : { body: raw, trailers: new Map<string, string>() }
  const declared = headers['x-amz-decoded-content-length']
  if (declared !== undefined && Number(declared) !== body.length) {
    throw new S3Refusal(
      400,
      'IncompleteBody',
      'You did not provide the number of bytes specified by the Content-Length HTTP header',
    )
  }
  verify(body, name => trailers.get(name) ?? single(headers[name]))
  const signed = single(headers['x-amz-content-sha256'])
  if (
    !chunked &&
    signed !== undefined &&
    /^[0-9a-f]{64}$/.test(signed) &&
    signed !== hash('sha256', body).toString('hex')
  ) {
    throw new S3Refusal(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match what was computed.',
    )
  }
  return body
}

function verify(body: Buffer, given: (name: string) => string | undefined): void {
  const crc = () => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(body))
    return bytes.toString('base64')
  }
  const known: Record<string, () => string> = {
    'x-amz-checksum-crc32': crc,
    'x-amz-checksum-sha256': () => hash('sha256', body).toString('base64'),
    'x-amz-checksum-sha1': () => hash('sha1', body).toString('base64'),
    'content-md5': () => hash('md5', body).toString('base64'),
  }
  for (const [name, compute] of Object.entries(known)) {
    const value = given(name)
    if (value !== undefined && value !== compute()) {
      throw new S3Refusal(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`)
    }
  }
  for (const name of ['x-amz-checksum-crc32c', 'x-amz-checksum-crc64nvme']) {
    if (given(name) !== undefined) throw new S3Refusal(501, 'NotImplemented', `${name} is not verified here`)
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes)
      throw new S3Refusal(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `size[;chunk-signature=…] CRLF bytes CRLF … 0 CRLF trailers CRLF`. Chunk signatures are not checked. */
function decodeChunked(raw: Buffer): { body: Buffer; trailers: Map<string, string> } {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const [line, next] = lineAt(raw, at)
    const size = /^([0-9a-fA-F]{1,8})(;.*)?$/.exec(line)?.[1]
    if (size === undefined) throw malformed()
    const bytes = Number.parseInt(size, 16)
    at = next
    if (bytes === 0) break
    if (at + bytes + 2 > raw.length || raw.toString('latin1', at + bytes, at + bytes + 2) !== '\r\n') throw malformed()
    parts.push(raw.subarray(at, at + bytes))
    at += bytes + 2
  }
  const trailers = new Map<string, string>()
  while (at < raw.length) {
    const [line, next] = lineAt(raw, at)
    at = next
    const colon = line.indexOf(':')
    if (colon > 0) trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return { body: Buffer.concat(parts), trailers }
}

function lineAt(raw: Buffer, at: number): [line: string, next: number] {
  const end = raw.indexOf('\r\n', at)
  if (end < 0) throw malformed()
  return [raw.toString('latin1', at, end), end + 2]
}

function malformed(): S3Refusal {
  return new S3Refusal(400, 'IncompleteBody', 'The aws-chunked body is not well-formed')
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function hash(name: string, bytes: Buffer): Buffer {
  return createHash(name).update(bytes).digest()
}
