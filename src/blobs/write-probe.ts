/**
 * Can this identity write the repository? An auditor should not be able to. Creates nothing: the question is a PUT with
 * If-Match on a key that does not exist, which a store refuses with 403 when it asks who we are, and with 404 or 412
 * when we may write and only the condition fails.
 */
import { randomUUID } from 'node:crypto'
import type { BlobWriter } from './port.ts'

/** What the store said to a write that could not succeed. */
export type WriteAnswer =
  /** Refused for who we are. */
  | { readonly kind: 'refused'; readonly said: string }
  /** Allowed; only the condition was not met. */
  | { readonly kind: 'allowed'; readonly said: string }
  /** It wrote, condition or not; the object was removed again, or the removal failed. */
  | { readonly kind: 'written'; readonly said: string; readonly removed: boolean }
  | { readonly kind: 'unclear'; readonly said: string }

/** A store that can be asked. Both drivers can. */
export interface WriteProber {
  /** Tries a write that must not succeed; `key` does not exist. */
  tryWrite(key: string, signal?: AbortSignal): Promise<WriteAnswer>
}
/** What a search server needs to read the store itself. */
export interface ServerAccess {
  readonly bucket: string
  /** Without slashes at its ends. */
  readonly basePath: string
  readonly region: string
  readonly endpointUrl: string | null
  readonly pathStyle: boolean
  /** Of the SDK's chain, which refreshes them. */
  credentials(): Promise<{
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
    readonly expiration?: Date
  }>
}

/** `serverAccess`: only of a store that a server could read by itself. */
export type Store = BlobWriter & WriteProber & { serverAccess?(): Promise<ServerAccess> }

export interface WriteProbe {
  readonly outcome: 'cannot-write' | 'can-write' | 'not-proven'
  readonly sentence: string
}

/** Never throws for what the store says; rejects with the signal's reason when aborted. */
export async function probeWrite(
  store: WriteProber & { readonly url: string },
  signal?: AbortSignal,
): Promise<WriteProbe> {
  const key = `snapproof-write-probe-${randomUUID()}`
  const answer = await store.tryWrite(key, signal)
  switch (answer.kind) {
    case 'refused':
      return { outcome: 'cannot-write', sentence: `This identity cannot write to ${store.url}: ${answer.said}.` }
    case 'allowed':
      return {
        outcome: 'can-write',
        sentence: `This identity can write to ${store.url} (${answer.said}); give it a role without s3:PutObject and s3:DeleteObject there.`,
      }
    case 'written':
      return {
        outcome: 'can-write',
        sentence: `This identity can write to ${store.url}, and the store ignores If-Match (${answer.said}); the probe ${key} ${
          answer.removed ? 'was removed again' : 'could not be removed: delete it'
        }.`,
      }
    case 'unclear':
      return {
        outcome: 'not-proven',
        sentence: `Whether this identity can write to ${store.url} is not proven: ${answer.said}.`,
      }
  }
}
