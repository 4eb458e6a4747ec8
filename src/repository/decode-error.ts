/**
 * What every decoder of this room throws, and nothing else, whatever bytes it is given.
 * It never leaves the room: readers turn it into a `Fault`.
 */

/** Stable, for tests and for telling "the bytes are wrong" from "we cannot read this". */
export type DecodeFailure =
  | 'truncated'
  | 'bad-magic'
  | 'bad-codec'
  | 'bad-version'
  | 'bad-checksum'
  | 'bad-token'
  | 'bad-reference'
  | 'bad-value'
  | 'bad-framing'
  | 'too-deep'
  | 'too-large'
  | 'trailing-bytes'
  /** Good bytes of a layout that this version does not know: never the repository's fault. */
  | 'unknown-layout'

export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly kind: DecodeFailure
  /** Byte offset in the blob, or in its inflated body where the blob is compressed; where the decoder stopped. */
  readonly offset: number

  constructor(kind: DecodeFailure, offset: number, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.offset = offset
  }
}
