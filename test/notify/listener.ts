/** A server that takes pings and webhooks, or does what real ones do on bad days. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Heard {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Listener {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string
  readonly heard: Heard[]
  /** Answers of the next requests, in order; then 200 OK. */
  answers: ((response: ServerResponse, heard: Heard) => void)[]
  close(): Promise<void>
}

export async function startListener(onHeard: (heard: Heard) => unknown = () => {}): Promise<Listener> {
  const heard: Heard[] = []
  const listener = { origin: '', heard, answers: [] as Listener['answers'], close: async () => {} }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body }
    await onHeard(one)
    heard.push(one)
    const answer = listener.answers.shift()
    if (answer === undefined) response.end('OK')
    else answer(response, one)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  listener.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  listener.close = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return listener
}

export const says =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers)
    response.end(body)
  }

/** Takes the request and is silent. */
export const isSilent = () => {}
