/**
 * `npm run image [-- --tag TAG --search-server REFERENCE --elasticsearch-version VERSION --node REFERENCE --platform P
 * --engine docker|podman --dry-run]`: builds the image from the Dockerfile with its labels filled in, and prints its tag.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { buildCommand, publicSource } from './command.ts'

const root = resolve(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    tag: { type: 'string' },
    'search-server': { type: 'string' },
    'elasticsearch-version': { type: 'string' },
    node: { type: 'string' },
    platform: { type: 'string' },
    engine: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
})
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const optional = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value })
const tag = values.tag ?? `snapproof:${version}`
const { command, args } = buildCommand({
  engine: values.engine ?? findEngine(),
  tag,
  version,
  revision: revision(),
  source: publicSource(git('remote', 'get-url', 'origin') ?? ''),
  ...optional('searchServer', values['search-server']),
  ...optional('elasticsearchVersion', values['elasticsearch-version']),
  ...optional('node', values.node),
  ...optional('platform', values.platform),
})
if (values['dry-run']) process.stdout.write(`${[command, ...args].join(' ')}\n`)
else {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], timeout: 3_600_000 })
  if (error !== undefined) process.stderr.write(`${command}: ${error.message}\n`)
  if (status === 0) process.stdout.write(`${tag}\n`)
  process.exitCode = status ?? 1
}

function findEngine(): string {
  const found = ['docker', 'podman'].find(name => spawnSync(name, ['info'], { timeout: 30_000 }).status === 0)
  if (found !== undefined) return found
  process.stderr.write('neither docker nor podman works here: `docker info` and `podman info` say why\n')
  process.exit(1)
}

function revision(): string {
  const commit = git('rev-parse', 'HEAD')
  if (commit === null) return 'unknown'
  return git('status', '--porcelain') === '' ? commit : `${commit}-dirty`
}

function git(...gitArgs: string[]): string | null {
  const { status, stdout } = spawnSync('git', gitArgs, { cwd: root, encoding: 'utf8', timeout: 30_000 })
  return status === 0 ? stdout.trim() : null
}
