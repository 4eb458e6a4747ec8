/**
 * What a client takes for a whole distribution: a server from Maven's jars lacks the module that answers `GET /`, by which clients know the
 * product (elastic/elasticsearch: modules/rest-root @ v9.5.3). Everything else is handed through.
 */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

export interface Distribution {
  readonly url: string
  close(): Promise<void>
}

export async function asDistribution(target: string, version: string): Promise<Distribution> {
  const root = JSON.stringify({
    name: 'bench',
    cluster_name: 'bench',
    cluster_uuid: 'bench',
    version: { number: version, build_flavor: 'default', build_type: 'tar', build_snapshot: false },
    tagline: 'You Know, for Search',
  })
  const server = createServer((asked, answer) => {
    if (asked.url === '/' && asked.method === 'GET') {
      asked.resume()
      answer.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' }).end(root)
      return
    }
    const { method, headers } = asked
    const behind = request(new URL(asked.url ?? '/', target), { method, headers }, given => {
      answer.writeHead(given.statusCode ?? 502, given.headers)
      pipeline(given, answer, () => {})
    })
    behind.on('error', () => answer.destroy())
    pipeline(asked, behind, () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
