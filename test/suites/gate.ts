/**
 * A door before a store: one for each process that uses it, so that a test knows whose request it is, may hold it until another
 * process has come as far, and may lose its answer. It forwards everything unchanged, signatures included.
 */
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  /** From 1. */
  readonly number: number
  readonly method: string
  /** Of the URL, decoded: `/bucket/key`. */
  readonly path: string
}

/** `hold`: it is never served. `lose`: it is served, and the connection ends instead of the answer. */
export type Passage = 'serve' | 'hold' | 'lose'

export interface Gate {
  readonly endpointUrl: string
  close(): Promise<void>
}

export async function startGate(
  target: string,
  decide: (request: SeenRequest) => Passage | Promise<Passage>,
): Promise<Gate> {
  const { hostname, port: targetPort } = new URL(target)
  let count = 0
  const server = createServer((message, response) => {
    const { method = 'GET', url = '/', headers } = message
    const [path = '/'] = url.split('?')
    const deciding = Promise.resolve(decide({ number: ++count, method, path: decodeURIComponent(path) }))
    const passing = deciding.then(passage => {
      if (passage === 'hold') return
      const onward = ask({ host: hostname, port: targetPort, method, path: url, headers }, answer => {
        if (passage === 'lose') {
          answer.resume()
          answer.once('end', () => message.socket.destroy())
          return
        }
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      onward.once('error', () => message.socket.destroy())
      message.pipe(onward)
    })
    // Who waits in vain is let go.
    passing.catch(() => message.socket.destroy())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>(done => {
    server.listen(0, '127.0.0.1', done)
  })
  const { port } = server.address() as AddressInfo
  return {
    endpointUrl: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
