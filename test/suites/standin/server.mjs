/**
 * A search server that can say only what a real one said (`test/fixtures/standin/answers.json`, written down by `record.ts` from Elasticsearch 9.5.3 over the
 * fixture es-9.5), and says it only where the restore would have worked: every file that it reads must lie in the registered
 * folder with the bytes of the fixture. Else it answers as the real one did over a damaged or a missing blob.
 *
 * It starts in a tenth of a second, so that hundreds of audits can be killed and failed. As a program it takes the settings of a
 * distribution: `-Epath.logs=…`, where it writes `http.ports`.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'

const recorded = JSON.parse(readFileSync(new URL('../../fixtures/standin/answers.json', import.meta.url), 'utf8'))

/**
 * @param {{ onRequest?: (request: { method: string, path: string }) => unknown }} options `onRequest` may answer a fault, see `send`
 */
export async function startStandIn({ onRequest = () => undefined } = {}) {
  /** Folders by name of the repository. */
  const repositories = new Map()
  /** What was restored, by target. */
  const indices = new Map()
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => {
      const [path = '/'] = (request.url ?? '/').split('?')
      const fault = onRequest({ method: request.method ?? 'GET', path })
      const say = () => answer(request.method ?? 'GET', path, text)
      send(request, response, fault, say)
    })
  })

  function answer(method, path, text) {
    const parts = path.slice(1).split('/').map(decodeURIComponent)
    if (path === '/_cluster/health') return [200, { status: 'green' }]
    if (path === '/_nodes/_local') {
      return [200, { nodes: { one: { version: recorded.version, index_version: recorded.index_version } } }]
    }
    // As a server that has not looked yet.
    if (path === '/_nodes/_local/stats/fs') return [200, { nodes: {} }]
    if (parts[0] === '_snapshot' && method === 'PUT') {
      repositories.set(parts[1], JSON.parse(text).settings.location)
      return [200, { acknowledged: true }]
    }
    if (parts[0] === '_snapshot' && method === 'POST' && parts[3] === '_restore') {
      const folder = repositories.get(parts[1])
      if (folder === undefined) return refuse(404, 'repository_missing_exception', `[${parts[1]}] missing`)
      return restore(folder, parts[2], JSON.parse(text))
    }
    const target = parts[0] === '_cluster' ? parts[3] : parts[0]
    const found = indices.get(target)
    if (method === 'DELETE') {
      if (found === undefined) return refuse(404, 'index_not_found_exception', `no such index [${target}]`)
      indices.delete(target)
      return [200, { acknowledged: true }]
    }
    if (parts[1] === 'state') return [200, found?.routing ?? { routing_table: { indices: {} } }]
    if (found === undefined) return refuse(404, 'index_not_found_exception', `no such index [${target}]`)
    const body = { _recovery: found.recovery, _stats: found.stats, _count: found.count, _mapping: found.mapping }[
      parts[1]
    ]
    return body === undefined ? refuse(400, 'illegal_argument_exception', path) : [200, body]
  }

  function restore(folder, snapshot, { indices: [index], rename_replacement: target }) {
    if (indices.has(target)) {
      const why = `cannot restore index [${index}]: an open index with same name already exists in the cluster [${target}]`
      return refuse(500, 'snapshot_restore_exception', why)
    }
    const content = recorded.contents.find(one => one.snapshot === snapshot && one.index === index)
    if (content === undefined) return refuse(404, 'snapshot_restore_exception', `[${snapshot}] snapshot does not exist`)
    const bad = content.needs.filter(({ key, crc32: wanted }) => sum(join(folder, key)) !== wanted)
    const metadata = bad.find(({ key }) => !/\/\d+\//.test(key))
    if (metadata !== undefined) {
      return refuse(404, recorded.missingMetadata.accepted.type, recorded.missingMetadata.accepted.reason)
    }
    const { routing, recovery, stats, count, mapping } = content
    const restored = JSON.parse(
      JSON.stringify({ routing, recovery, stats, count, mapping }).replaceAll(recorded.target, target),
    )
    for (const { key } of bad) {
      const shard = /\/(\d+)\//.exec(key)?.[1] ?? '0'
      const kind = sum(join(folder, key)) === null ? recorded.missingData : recorded.damagedData
      const [row] = kind.routing.routing_table.indices[recorded.target].shards['0']
      restored.routing.routing_table.indices[target].shards[shard] = [{ ...row, shard: Number(shard), index: target }]
      const rows = restored.recovery[target]
      rows.shards = rows.shards.filter(({ id }) => id !== Number(shard))
      delete restored.stats.indices[target].shards[shard]
    }
    indices.set(target, restored)
    return [200, { accepted: true }]
  }

  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address()
  return {
    address: `127.0.0.1:${port}`,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

function refuse(status, type, reason) {
  return [status, { error: { type, reason }, status }]
}

/** Null: it is not there. */
function sum(path) {
  try {
    return crc32(readFileSync(path))
  } catch {
    return null
  }
}

/** Serves, or does what the fault says: `refuse` before anything happened, others after it. */
function send(request, response, fault, say) {
  if (fault === 'reset') return request.socket.destroy()
  if (fault === 'silence') return
  if (typeof fault === 'number') return write(response, fault, { error: { type: 'injected', reason: 'injected' } })
  const [status, body] = say()
  if (fault === 'lost') return request.socket.destroy()
  if (fault === 'empty') return write(response, 200, {})
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json' }
  const half = text.slice(0, text.length >> 1)
  if (fault === 'cut') {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
    response.write(half, () => request.socket.destroy())
  } else if (fault === 'truncated') {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(half) }).end(half)
  } else write(response, status, body)
}

function write(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const logs = process.argv.find(argument => argument.startsWith('-Epath.logs='))?.slice('-Epath.logs='.length)
  const { address } = await startStandIn()
  writeFileSync(join(logs, 'http.ports.half'), `${address}\n`)
  renameSync(join(logs, 'http.ports.half'), join(logs, 'http.ports'))
}
