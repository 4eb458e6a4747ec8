#!/usr/bin/env node
/** The program: builds the real world, hears signals, sets the exit code. */
import { setMaxListeners } from 'node:events'
import process from 'node:process'
import { readPackage } from './cli/files.ts'
import { chooseLogStyle, createLog, type LogStyle, logStyles } from './cli/log.ts'
import { createProgram } from './cli/program.ts'
import { exitCodes, SnapproofError } from './errors.ts'
import { systemClock } from './time.ts'

// The SDK prints a note about future Node versions on every start; it is for developers, and the lock file pins the SDK.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

// Every request in flight hears the one signal that stops the run; Node would call that a leak, on stderr, every night.
setMaxListeners(0)

const args = process.argv.slice(2)
const environment = process.env
const style = chooseLogStyle({ isTTY: process.stderr.isTTY, environment, flag: styleFlag(args) })
const log = createLog(style, process.stderr, systemClock)
const stop = new AbortController()
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(code) // asked twice
    log.warn(`${name}: stopping; what is done is kept. Once more stops at once.`)
    stop.abort(new SnapproofError('interrupted', `stopped by ${name}`))
  })
}

const { version } = await readPackage()
const print = (text: string) => process.stdout.write(`${text}\n`)
const context = { environment, clock: systemClock, log, signal: stop.signal, print }
const program = createProgram(context, text => process.stderr.write(text), version)
try {
  process.exitCode = await program.run(args)
} catch (error) {
  process.stderr.write(`snapproof: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = exitCodes.couldNotWork
}

function styleFlag(given: readonly string[]): LogStyle | undefined {
  const position = given.indexOf('--log')
  const value =
    position === -1 ? given.find(arg => arg.startsWith('--log='))?.slice('--log='.length) : given[position + 1]
  return logStyles.find(known => known === value)
}
