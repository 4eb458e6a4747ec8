/**
 * Makes a fresh checkout ready and says what it does: dependencies by the lock file, better-sqlite3. Needs nothing but
 * Node and npm. `npm run demo` and `npm test` go through here, so that they are the only two commands to know.
 *
 * Usage: node infra/local/prepare.mjs [command...] — runs the command afterwards, with this Node.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

const root = resolve(import.meta.dirname, '..', '..')
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: 20.19 or newer is needed`)
  process.exit(64)
}

if (!installed()) {
  console.error('preparing: npm ci (dependencies by the lock file)')
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'])
}
run(process.execPath, [join(root, 'infra', 'local', 'ensure-sqlite.mjs')])

const [command, ...args] = process.argv.slice(2)
if (command !== undefined) {
  // The child leads the way: signals reach it through the terminal's group, and its end is ours.
  const child = spawn(process.execPath, [command, ...args], { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1))
}

/** npm leaves a copy of the lock file in node_modules; another one means another install. */
function installed() {
  const marker = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(marker)) return false
  const packages = text => Object.entries(JSON.parse(text).packages).filter(([path]) => path !== '')
  const wanted = new Map(packages(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  const have = new Map(packages(readFileSync(marker, 'utf8')))
  for (const [path, entry] of wanted) {
    if (entry.optional && !have.has(path)) continue // for another platform
    if (have.get(path)?.version !== entry.version) return false
  }
  return true
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  console.error(`preparing: ${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
  process.exit(2)
}
