/**
 * Makes better-sqlite3 loadable after an install. Runs as `prepare`, so only in our own checkout.
 *
 * A network that offers nothing but the package registry refuses both the published binary and the Node headers that
 * node-gyp would fetch, so the package's own install script is switched off (`allowScripts` in package.json) and the
 * steps are taken here in order: does it load already, the cached build, the published binary, a build against the
 * headers that lie beside this Node. The result is cached outside the tree by version, ABI, platform and libc.
 *
 * It is put where the `bindings` package looks by the version of Node (`compiled/VERSION/PLATFORM/ARCH`), so that several
 * Nodes can use one checkout.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'

const require = createRequire(import.meta.url)
const packageFolder = dirname(require.resolve('better-sqlite3/package.json'))
const { version } = require('better-sqlite3/package.json')
const node = (args, options = {}) =>
  spawnSync(process.execPath, args, { cwd: packageFolder, stdio: 'inherit', ...options }).status === 0
const loads = () => node(['-e', "new (require('better-sqlite3'))(':memory:').close()"], { stdio: 'ignore' })

const libc = process.report?.getReport?.().header?.glibcVersionRuntime ? 'glibc' : 'other'
const key = `better-sqlite3-${version}-abi${process.versions.modules}-${process.platform}-${process.arch}-${libc}.node`
const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'snapproof')
const cached = join(cacheFolder, key)
const built = join(packageFolder, 'build', 'Release', 'better_sqlite3.node')
const { node: nodeVersion } = process.versions
const home = join(packageFolder, 'compiled', nodeVersion, process.platform, process.arch, 'better_sqlite3.node')

if (loads()) process.exit(0)
if (!existsSync(cached)) {
  console.error(
    `better-sqlite3 for Node ${nodeVersion}: looking for a published binary, else compiling it (two minutes on two cores)`,
  )
  rmSync(join(packageFolder, 'build'), { recursive: true, force: true })
  const published = createRequire(join(packageFolder, 'package.json')).resolve('prebuild-install/bin.js')
  if (!(node([published], { timeout: 60_000, stdio: 'ignore' }) && loads()) && !compile()) {
    console.error('better-sqlite3 could not be built: it needs python3, make, a C++20 compiler and the Node headers')
    process.exit(1)
  }
  mkdirSync(cacheFolder, { recursive: true })
  const half = `${cached}.${process.pid}`
  copyFileSync(built, half)
  renameSync(half, cached)
}
mkdirSync(dirname(home), { recursive: true })
copyFileSync(cached, home)
// `bindings` would meet this one first, whatever Node it is for.
rmSync(join(packageFolder, 'build'), { recursive: true, force: true })
if (!loads()) {
  rmSync(cached, { force: true })
  console.error(`better-sqlite3: the build in ${cached} does not load; it was removed, try again`)
  process.exit(1)
}

function compile() {
  const prefix = dirname(dirname(process.execPath))
  const header = join(prefix, 'include', 'node', 'node_version.h')
  const text = existsSync(header) ? readFileSync(header, 'utf8') : ''
  const headerVersion = ['MAJOR', 'MINOR', 'PATCH']
    .map(part => new RegExp(`NODE_${part}_VERSION (\\d+)`).exec(text)?.[1])
    .join('.')
  const local = headerVersion === process.versions.node ? [`--nodedir=${prefix}`] : []
  const npmRoot = () => spawnSync('npm', ['root', '-g'], { encoding: 'utf8' }).stdout.trim()
  const gyp =
    process.env.npm_config_node_gyp ?? join(npmRoot(), 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  const env = { ...process.env, JOBS: 'max' }
  // node-gyp lets the environment beat its arguments, and npm passes on a setting that is for another Node.
  if (local.length > 0) for (const key of ['npm_config_nodedir', 'npm_package_config_node_gyp_nodedir']) delete env[key]
  const options = { env, stdio: ['ignore', 'ignore', 'inherit'] }
  return node([gyp, 'rebuild', '--release', ...local], options) && loads()
}
