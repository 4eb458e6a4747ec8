/**
 * One client for every server: the 9.x client with plain JSON headers, so that 7.17, 8.x, 9.x and OpenSearch all answer.
 * No retries here: the callers poll, and a retried restore request would be refused as a second one.
 */
import { Client } from '@elastic/elasticsearch'
import { errors, Transport, type TransportOptions } from '@elastic/transport'
import { isSnapproofError, SnapproofError } from '../errors.ts'

/** Without it 8.x answers 400 "Accept version must be either version 8 or 7" and OpenSearch is refused by the client. */
class PlainJsonTransport extends Transport {
  constructor(options: TransportOptions) {
    const { productCheck: _elasticsearchOnly, ...rest } = options
    super({
      ...rest,
      vendoredHeaders: {
        jsonContentType: 'application/json',
        ndjsonContentType: 'application/x-ndjson',
        accept: 'application/json,text/plain',
      },
    })
  }
}

export interface ClientOptions {
  /** Without user and password. */
  readonly url: string
  /** Value of the header `authorization`; never logged. */
  readonly authorization?: string
}

/**
 * Of the connection: `ask` ends by a signal of its own what takes too long. A time limit of the transport cannot be longer than that of its
 * connection, and it ends a request by dispatching `abort` on the signal that came with it, which reaches whoever else listens to that
 * (elastic/elastic-transport-js: src/connection/UndiciConnection.ts @ v9.4.0).
 */
const longestMs = 3_600_000

export function connect({ url, authorization }: ClientOptions): Client {
  return new Client({
    node: url,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    Transport: PlainJsonTransport,
    maxRetries: 0,
    requestTimeout: longestMs,
    maxResponseSize: 64 * 1024 * 1024,
    enableMetaHeader: false,
  })
}

export interface Question {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Record<string, unknown>
  /** Of the whole answer. @default 30 s */
  readonly timeoutMs?: number
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/**
 * Any answer is a value, whatever its status. Throws `engine-request` when none came, and the signal's reason when aborted.
 */
export async function ask(client: Client, question: Question, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted()
  const what = `${question.method} ${question.path}`
  const timeoutMs = question.timeoutMs ?? 30_000
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), timeoutMs)
  try {
    const { statusCode, body } = await client.transport.request(
      {
        method: question.method,
        path: question.path,
        ...(question.query === undefined ? {} : { querystring: { ...question.query } }),
        ...(question.body === undefined ? {} : { body: question.body }),
      },
      { meta: true, signal: AbortSignal.any([signal, deadline.signal]), maxRetries: 0 },
    )
    return { status: statusCode, body }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof errors.ResponseError && error.statusCode !== undefined) {
      return { status: error.statusCode, body: error.body }
    }
    if (isSnapproofError(error)) throw error
    const within = deadline.signal.aborted ? ` within ${timeoutMs / 1000} s` : ''
    throw new SnapproofError('engine-request', `${what}: no answer${within}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** The server's own words of an error answer, with their causes: `type: reason: cause`. */
export function refusal(answer: Answer): { status: number; type: string; reason: string } {
  const error = isObject(answer.body) ? answer.body.error : undefined
  if (!isObject(error)) {
    const text = typeof error === 'string' ? error : JSON.stringify(answer.body ?? null)
    return { status: answer.status, type: 'unknown', reason: text.slice(0, 2_000) }
  }
  const reasons: string[] = []
  for (let e: unknown = error, depth = 0; isObject(e) && depth < 6; e = e.caused_by, depth++) {
    const reason = typeof e.reason === 'string' ? e.reason : ''
    if (reason !== '' && !reasons.includes(reason)) reasons.push(reason)
  }
  return {
    status: answer.status,
    type: typeof error.type === 'string' ? error.type : 'unknown',
    reason: reasons.join(': ').slice(0, 4_000),
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
