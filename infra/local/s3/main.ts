/** `tsx infra/local/s3/main.ts --root FOLDER [--port PORT]`: serves until SIGINT or SIGTERM. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { startLocalS3 } from './server.ts'

const { values } = parseArgs({ options: { root: { type: 'string' }, port: { type: 'string', default: '0' } } })
const port = Number(values.port)
if (values.root === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write('usage: main.ts --root FOLDER [--port PORT]; each folder in FOLDER is a bucket\n')
  process.exit(64)
}
const server = await startLocalS3({ root: values.root, port })
process.stdout.write(`${server.endpointUrl}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
