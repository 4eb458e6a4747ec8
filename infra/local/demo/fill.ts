/**
 * Fills a real server like a small production cluster and takes a snapshot on each of five simulated days: daily log
 * indices behind an alias, orders that grow and are updated and deleted, customers with nested addresses, an index that
 * is always empty.
 */
import type { SourceCluster } from '../cluster.ts'

export const days = ['2026-03-01', '2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05'] as const
export const snapshotOf = (day: string) => `nightly-${day}`

const logsPerDay = 1_500
const ordersPerDay = 800
const customersPerDay = 120

/** Takes the snapshots into the repository of that name, which exists. `onDay` hears of each. */
export async function fillCluster(
  cluster: SourceCluster,
  repository: string,
  onDay: (day: string, indices: number) => void,
): Promise<void> {
  await createIndices(cluster)
  for (const [number, day] of days.entries()) {
    await writeDay(cluster, number, day)
    await cluster.snapshot(repository, snapshotOf(day), '*')
    const { length } = Object.keys(await request<Record<string, unknown>>(cluster, 'GET', '/*/_settings'))
    onDay(day, length)
  }
}

/** As a script does it that creates what it should have found: the name is the same, and twelve orders are in it. */
export async function emptyOrders(cluster: SourceCluster): Promise<void> {
  await request(cluster, 'DELETE', '/orders')
  await createOrders(cluster)
  for (let i = 0; i < 12; i++)
    await request(cluster, 'PUT', `/orders/_doc/new-${i}`, { customer: `c${i}`, status: 'open', total: i })
  await request(cluster, 'POST', '/orders/_flush')
}

const settings = { number_of_replicas: 0, refresh_interval: '-1' }

async function createOrders(cluster: SourceCluster): Promise<void> {
  const keyword = { type: 'keyword' }
  await request(cluster, 'PUT', '/orders', {
    settings: { ...settings, number_of_shards: 3 },
    mappings: { properties: { customer: keyword, status: keyword, total: { type: 'double' } } },
  })
}

async function createIndices(cluster: SourceCluster): Promise<void> {
  const text = { type: 'text' }
  const keyword = { type: 'keyword' }
  await createOrders(cluster)
  const address = { type: 'nested', properties: { city: keyword, street: text } }
  await request(cluster, 'PUT', '/customers', {
    settings: { ...settings, number_of_shards: 1 },
    mappings: { properties: { name: { ...text, fields: { raw: keyword } }, address } },
  })
  await request(cluster, 'PUT', '/returns', {
    settings: { ...settings, number_of_shards: 1 },
    mappings: { properties: { order: keyword } },
  })
}

async function writeDay(cluster: SourceCluster, number: number, day: string): Promise<void> {
  const logs = `logs-${day.replaceAll('-', '.')}`
  await request(cluster, 'PUT', `/${logs}`, {
    settings: { number_of_replicas: 0, number_of_shards: 1, refresh_interval: '-1' },
    mappings: { properties: { '@timestamp': { type: 'date' }, message: { type: 'text' }, level: { type: 'keyword' } } },
    aliases: { logs: {} },
  })
  const lines: unknown[] = []
  for (let i = 0; i < logsPerDay; i++) {
    const time = new Date(Date.parse(`${day}T00:00:00Z`) + i * 57_000).toISOString()
    lines.push({ index: { _index: logs } })
    lines.push({
      '@timestamp': time,
      level: i % 50 === 0 ? 'error' : 'info',
      message: `request ${i} took ${(i * 37) % 900} ms on ${day}`,
    })
  }
  for (let i = 0; i < ordersPerDay; i++) {
    const id = number * ordersPerDay + i
    lines.push(
      { index: { _index: 'orders', _id: `order-${id}` } },
      { customer: `c${id % 97}`, status: 'open', total: (id * 13) % 5000 },
    )
  }
  // Yesterday's orders are shipped, some of the day before are deleted.
  for (let i = 0; number > 0 && i < ordersPerDay / 4; i++) {
    lines.push(
      { update: { _index: 'orders', _id: `order-${(number - 1) * ordersPerDay + i}` } },
      { doc: { status: 'shipped' } },
    )
  }
  for (let i = 0; number > 1 && i < ordersPerDay / 10; i++) {
    lines.push({ delete: { _index: 'orders', _id: `order-${(number - 2) * ordersPerDay + i * 3}` } })
  }
  for (let i = 0; number < 3 && i < customersPerDay; i++) {
    const id = number * customersPerDay + i
    const address = [
      { city: `city ${id % 7}`, street: `${id} High Street` },
      { city: `city ${id % 5}`, street: `${id} Low Street` },
    ]
    lines.push({ index: { _index: 'customers', _id: `c${id}` } }, { name: `customer ${id}`, address })
  }
  const body = `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
  const answer = await cluster.client.transport.request<{ errors: boolean }>(
    { method: 'POST', path: '/_bulk', querystring: { refresh: 'true' }, bulkBody: body },
    { requestTimeout: 60_000 },
  )
  if (answer.errors) throw new Error(`the bulk of ${day} had errors`)
  await request(cluster, 'POST', '/*/_flush')
}

function request<Answer>(cluster: SourceCluster, method: string, path: string, body?: object): Promise<Answer> {
  return cluster.client.transport.request<Answer>(
    { method, path, ...(body === undefined ? {} : { body }) },
    { requestTimeout: 60_000 },
  )
}
