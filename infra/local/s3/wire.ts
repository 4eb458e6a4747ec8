/** Errors and XML as S3 sends them. */
import type { ServerResponse } from 'node:http'

/** An answer that says no. */
export class S3Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export function sendError(method: string | undefined, response: ServerResponse, refusal: S3Refusal): void {
  const { status, code, message, headers } = refusal
  if (method === 'HEAD' || status === 304) {
    // Without a length Node's client does not use the connection again.
    response.writeHead(status, method === 'HEAD' ? { ...headers, 'content-length': 0 } : headers).end()
    return
  }
  // What of the request was not read must not be taken for the next one.
  if (!response.req.complete) response.setHeader('connection', 'close')
  sendXml(response, status, xml`<Error><Code>${code}</Code><Message>${message}</Message></Error>`, headers)
}

export function sendXml(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`)
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/xml',
    'content-length': bytes.length,
    'x-amz-request-id': 'local',
  })
  response.end(bytes)
}

/** A template whose values are escaped. */
export function xml(parts: TemplateStringsArray, ...values: readonly (string | number | boolean)[]): string {
  return parts.reduce((text, part, i) => text + escapeXml(String(values[i - 1])) + part)
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"'\r\n\t]/g, c => `&#${c.charCodeAt(0)};`)
}
