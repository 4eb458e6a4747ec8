/** Which image this program runs in, as whoever started it says: no image knows its own digest. */
import { describeError } from '../errors.ts'
import { withDeadline } from '../time.ts'
import type { CliContext } from './context.ts'

const digestVariable = 'SNAPPROOF_IMAGE_DIGEST'
/** Set by ECS, and so by AWS Batch: a service on this machine that answers within milliseconds. */
const metadataVariable = 'ECS_CONTAINER_METADATA_URI_V4'
const metadataTimeoutMs = 3_000
const maxMetadataBytes = 262_144

/**
 * `sha256:` and 64 digits; null: nobody says. From SNAPPROOF_IMAGE_DIGEST (`sha256:…` or `image@sha256:…`), else `ImageID` of the task metadata
 * of ECS (Amazon ECS Developer Guide, "Task metadata endpoint version 4"). Keeps nobody from a run: what goes wrong is a warning.
 */
export async function imageDigest({
  environment,
  log,
  signal,
}: Pick<CliContext, 'environment' | 'log' | 'signal'>): Promise<string | null> {
  const given = environment[digestVariable] ?? ''
  if (given !== '') {
    const digest = digestOf(given)
    if (digest === null) log.warn(`${digestVariable} is not of the form sha256:… or image@sha256:…; it is not told`)
    return digest
  }
  const url = environment[metadataVariable] ?? ''
  if (url === '') return null
  try {
    return digestOf(await imageIdOf(url, withDeadline(signal, metadataTimeoutMs, 'asking ECS for the image')))
  } catch (error) {
    signal.throwIfAborted()
    log.warn(`the digest of the image is not known, ECS did not say: ${describeError(error)}`)
    return null
  }
}

async function imageIdOf(url: string, signal: AbortSignal): Promise<unknown> {
  const { ok, status, body } = await fetch(url, { redirect: 'error', signal })
  if (!ok || body === null) throw new Error(`it said ${status}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxMetadataBytes) throw new Error('its answer is no task metadata')
    chunks.push(chunk)
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  return typeof value === 'object' && value !== null && 'ImageID' in value ? value.ImageID : null
}

function digestOf(text: unknown): string | null {
  return typeof text === 'string' ? (/(?:^|@)(sha256:[0-9a-f]{64})$/.exec(text)?.[1] ?? null) : null
}
