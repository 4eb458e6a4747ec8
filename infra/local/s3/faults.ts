/** Faults on purpose: what a test may make this server do to one request. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { S3Refusal, sendError } from './wire.ts'

export interface SeenRequest {
  readonly method: string
  readonly bucket: string
  /** Empty for a listing. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
}

export type Fault =
  /** An S3 error as XML. */
  | {
      readonly kind: 'error'
      readonly status: number
      readonly code: string
      readonly message?: string
      readonly headers?: Record<string, string>
    }
  /** Any answer at all. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Record<string, string>
      readonly body: string | Buffer
    }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is reset before any answer. */
  | { readonly kind: 'reset' }
  /** No answer, ever. */
  | { readonly kind: 'silence' }
  /** The connection is reset after so many bytes of the object. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** No more bytes after so many. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** These bytes follow the promised ones on the connection. */
  | { readonly kind: 'append'; readonly bytes: Buffer }
  /** The request is served, and then the connection is reset instead of the answer: a write whose answer is lost. */
  | { readonly kind: 'lose-answer' }

/** Sees each request before it is served; may wait. Undefined: serve it. */
export type FaultHook = (request: SeenRequest) => Fault | undefined | Promise<Fault | undefined>

/** True when the request is done with. */
export async function sendFaulty(fault: Fault, message: IncomingMessage, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'error':
      message.resume()
      sendError(
        message.method,
        response,
        new S3Refusal(fault.status, fault.code, fault.message ?? fault.code, fault.headers),
      )
      return true
    case 'answer':
      message.resume()
      response
        .writeHead(fault.status, { 'content-length': Buffer.byteLength(fault.body), ...fault.headers })
        .end(fault.body)
      return true
    case 'reset':
      message.socket.destroy()
      return true
    case 'silence':
      return true
    case 'lose-answer': {
      const { socket } = message
      response.end = () => {
        socket.destroy()
        return response
      }
      response.writeHead = () => response
      return false
    }
    default:
      return false
  }
}

/** Sends the bytes of an object, or what `fault` leaves of them. */
export async function sendBody(
  body: AsyncIterable<Buffer>,
  response: ServerResponse,
  fault: Fault | undefined,
  sent: (bytes: number) => void,
): Promise<void> {
  const limit = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.afterBytes : Number.POSITIVE_INFINITY
  let done = 0
  // Headers first, so that a cut at 0 is a cut body and not a lost answer.
  response.flushHeaders()
  for await (const chunk of body) {
    const part = chunk.subarray(0, Math.max(0, limit - done))
    done += part.length
    sent(part.length)
    await writePart(response, part)
    if (response.destroyed) return
    if (done >= limit) break
  }
  if (done >= limit && fault?.kind === 'stall') return
  if (done >= limit && fault?.kind === 'cut') {
    response.destroy()
    return
  }
  if (fault?.kind === 'append') response.socket?.write(fault.bytes)
  response.end()
}

/** Resolves when the bytes have left this process, or cannot any more. */
async function writePart(response: ServerResponse, part: Buffer): Promise<void> {
  if (part.length === 0 || response.destroyed) return
  await new Promise<void>(resolve => {
    const done = () => {
      response.off('close', done)
      resolve()
    }
    // A client that goes away must not leave the file open for ever.
    response.once('close', done)
    response.write(part, done)
  })
}
