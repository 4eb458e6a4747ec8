/** A repository whose last snapshots are not what their owner meant to keep, and rules of every kind about it. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './auditRun.ts'

const longAgo = '2001-01-01T00:00:00Z'

/** Resolves with its URL. The indices are gone from the server again. */
export async function makeRuledRepository(bench: Bench): Promise<string> {
  const { client } = await bench.server()
  const location = join(bench.folder, 'source')
  await mkdir(location)
  const ask = (method: string, path: string, body?: object) =>
    client.transport.request({ method, path, ...(body === undefined ? {} : { body }) })
  await ask('PUT', '/_snapshot/source', { type: 'fs', settings: { location } })
  const mapping = {
    mappings: {
      properties: {
        placed_at: { type: 'date' },
        customer: { type: 'keyword' },
        amount: { type: 'double' },
        words: { type: 'text' },
        lines: { type: 'nested', properties: { sku: { type: 'keyword' } } },
      },
    },
    settings: { number_of_shards: 2, number_of_replicas: 0 },
  }
  await ask('PUT', '/orders', { ...mapping, aliases: { shop: {} } })
  await ask('PUT', '/stale', mapping)
  const now = new Date().toISOString()
  for (let i = 0; i < 10; i++) {
    const order = { placed_at: now, amount: i, lines: [{ sku: `s${i}` }], ...(i < 9 ? { customer: `c${i}` } : {}) }
    await ask('PUT', `/orders/_doc/${i}`, order)
    await ask('PUT', `/stale/_doc/${i}`, { placed_at: longAgo, amount: i })
  }
  const snap = (name: string) =>
    ask('PUT', `/_snapshot/source/${name}?wait_for_completion=true`, { indices: 'orders,stal*' })
  await snap('night-1')
  await snap('night-2')
  await ask('DELETE', '/orders')
  await ask('PUT', '/orders', mapping)
  await snap('night-3')
  await ask('DELETE', '/stale')
  await snap('night-4')
  await ask('DELETE', '/orders')
  return `file://${location}`
}

/** YAML; `command`: where the program of `writeCommand` is found. */
export const rulesOfEveryKind = (command: string) => `rules:
  - { name: count, index: orders, documents: { min: 5, max: 20 } }
  - { name: types, index: orders, fields: { placed_at: date, amount: [float, double], 'lines.sku': keyword } }
  - { name: wrong type, index: orders, snapshots: night-1, fields: { amount: keyword, nothing: date } }
  - { name: customers, index: orders, snapshots: night-1, filled: { field: customer, percent: 90 } }
  - { name: all customers, index: orders, snapshots: night-1, severity: warning, filled: { field: customer, percent: 90.1 } }
  - { name: skus, index: orders, snapshots: night-1, filled: { field: lines.sku, percent: 100 } }
  - { name: fresh, index: [orders, stale], snapshots: night-2, newest: { field: placed_at, within: 1d } }
  - { name: retention, index: [orders, stale], snapshots: night-2, oldest: { field: placed_at, within: 365d } }
  - { name: no time, index: orders, snapshots: night-1, newest: { field: words, within: 1d } }
  - name: hits
    index: orders
    snapshots: night-1
    query: { body: { size: 50, query: { range: { amount: { gte: 5 } } }, aggs: { most: { max: { field: amount } } } }, hits: { min: 5, max: 5 }, aggregation: most, value: { min: 9, max: 9 } }
  - name: nothing to add up
    index: orders
    snapshots: night-3
    query: { body: { aggs: { most: { max: { field: amount } } } }, aggregation: most, value: { min: 0 } }
  - name: refused
    index: orders
    snapshots: night-1
    query: { body: { query: { no_such_query: {} } }, hits: { min: 0 } }
  - { name: shop, index: orders, aliases: [shop] }
  - { name: complete, index: '*', indices: { present: [orders], asBefore: true } }
  - { name: nobody, index: 'payments-*', documents: { min: 1 } }
  - { name: own, index: orders, snapshots: 'night-[12]', documents: { min: 1 } }
  - { name: good command, index: orders, snapshots: night-1, command: { run: ['${command}', good], timeLimit: 1m } }
  - { name: bad command, index: orders, snapshots: night-1, command: { run: ['${command}', bad], timeLimit: 1m } }
  - { name: hanging command, index: orders, snapshots: night-1, severity: warning, command: { run: ['${command}', hang], timeLimit: 1s } }
  - { name: flooding command, index: orders, snapshots: night-1, command: { run: ['${command}', flood], timeLimit: 1m } }
  - { name: no command, index: orders, snapshots: night-1, command: { run: [/no/such/program], timeLimit: 1m } }
`

/** A good one, a bad one, one that hangs, and one that floods. */
export async function writeCommand(file: string): Promise<void> {
  await writeFile(
    file,
    `#!/bin/sh
case $1 in
  good) test -n "$SNAPPROOF_ENDPOINT" && test -n "$SNAPPROOF_INDEX" && test "$SNAPPROOF_INDEX_NAME" = orders && test -z "$AWS_SECRET_ACCESS_KEY";;
  bad) echo 'the books do not balance'; exit 3;;
  hang) sleep 600 & wait;;
  flood) yes;;
esac
`,
  )
  await chmod(file, 0o755)
}
