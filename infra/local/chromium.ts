/** A Chromium for the tests that look at the report: Debian's package, installed when we may and it is not there. */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** What keeps a throwaway browser quiet: no sandbox (root in a container has none), nothing sent or fetched. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Path of the executable. `SNAPPROOF_CHROMIUM` names another one. Null when there is none and it cannot be installed; the
 * reason goes to stderr, so that a skipped test says why.
 */
export async function ensureChromium(): Promise<string | null> {
  const found = findChromium()
  if (found !== null) return found
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return without('there is none on the PATH, and only root on Debian may install it')
  }
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    // Another apt-get may be at work: wait for its lock instead of failing.
    const failure = await aptGet(['-o', 'DPkg::Lock::Timeout=120', ...args])
    if (failure !== null) return without(failure)
  }
  return findChromium() ?? without('the package is installed and has no executable on the PATH')
}

function findChromium(): string | null {
  const named = process.env.SNAPPROOF_CHROMIUM
  if (named !== undefined && named !== '') return named
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  for (const name of ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']) {
    const path = folders.map(folder => join(folder, name)).find(isExecutable)
    if (path !== undefined) return path
  }
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function without(reason: string): null {
  process.stderr.write(`no Chromium: ${reason}\n`)
  return null
}

/** Null when it went well, otherwise what went wrong. */
function aptGet(args: readonly string[]): Promise<string | null> {
  return new Promise(resolve => {
    const child = spawn('apt-get', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 300_000,
    })
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-500)
    })
    child.once('error', error => resolve(`apt-get cannot be started: ${error.message}`))
    child.once('close', code => resolve(code === 0 ? null : `apt-get ${args.join(' ')} ended with ${code}: ${log}`))
  })
}
