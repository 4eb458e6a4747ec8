/**
 * `npm run lint:infra`: cfn-lint on the plain templates of `npm run synth`, which it makes first. cfn-lint is installed once into a cache
 * outside the tree. Without Python the lint is skipped, and says so.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

export const cfnLintVersion = '1.58.0'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'snapproof')
const templates = join(import.meta.dirname, '..', 'out', 'templates')

/** Path of the program; null where there is no Python ≥ 3.9 with venv. */
function installCfnLint(): string | null {
  const folder = join(cache, `cfn-lint-${cfnLintVersion}`)
  const program = join(folder, 'bin', 'cfn-lint')
  if (existsSync(join(folder, 'complete'))) return program
  const venv = ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))']
  if (spawnSync('python3', venv, { stdio: 'ignore', timeout: 30_000 }).status !== 0) return null
  mkdirSync(cache, { recursive: true })
  rmSync(folder, { recursive: true, force: true })
  run('python3', ['-m', 'venv', folder])
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `cfn-lint==${cfnLintVersion}`])
  writeFileSync(join(folder, 'complete'), '')
  return program
}

/** Ends this process with the other's exit code when it fails. */
function run(program: string, args: readonly string[]): void {
  const { status, error, signal } = spawnSync(program, args, { stdio: 'inherit', timeout: 600_000 })
  if (status === 0) return
  console.error(`${program}: ${error?.message ?? signal ?? `exit code ${status}`}`)
  process.exit(status ?? 1)
}

run(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'synth.ts')])
const program = installCfnLint()
if (program === null) {
  console.log('SKIPPED: cfn-lint: no Python 3.9 or newer with venv')
} else {
  const files = readdirSync(templates).map(name => join(templates, name))
  run(program, files)
  console.log(`cfn-lint ${cfnLintVersion}: ${files.length} templates, nothing found`)
}
