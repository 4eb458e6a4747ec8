/** The script of a run, run by a real shell with a stand-in for `snapproof`. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  arrayIndexVariable,
  attemptVariable,
  leaseExpirySeconds,
  nightScript,
  variables,
  workFolder,
} from '../../../infra/aws/lib/command.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapproof-command-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Starts the script, its work folder moved below ours. */
function start(program: string, environment: Readonly<Record<string, string>> = {}) {
  const snapproof = join(folder, 'snapproof')
  writeFileSync(snapproof, `#!/bin/sh\n${program}\n`)
  chmodSync(snapproof, 0o755)
  const script = nightScript()
    .replaceAll(workFolder, join(folder, 'work'))
    .replace(`sleep ${leaseExpirySeconds}`, 'sleep 0.1')
  const config = { [variables.config]: `{"a":"it's $HOME\\\\n"}` }
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, ...config, ...environment }
  const child = spawn('/bin/sh', ['-c', script], { env, stdio: 'ignore' })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { child, ended }
}

test.each([
  [0, 0],
  [1, 0],
  [3, 0],
  [4, 0],
  [2, 2],
  [64, 64],
  [137, 137],
])('exit code %i of the program ends the run with %i', async (code, expected) => {
  expect(await start(`exit ${code}`).ended).toBe(expected)
})

test.each([
  ['plan', 0],
  ['work', 0],
  ['collect', 3],
])('%s that finds another run at work ends the run with %i', async (command, expected) => {
  expect(await start('exit 3', { [variables.command]: command }).ended).toBe(expected)
})

test.each([
  ['1', 'x', 0],
  ['2', 'xx', 2],
])('attempt %s that meets a lease runs %s: a host that was lost leaves one behind', async (attempt, runs, expected) => {
  const began = join(folder, `began-${attempt}`)
  const program = `printf x >> ${began}; [ "$(cat ${began})" = x ] && exit 3; exit 2`
  expect(await start(program, { [attemptVariable]: attempt }).ended).toBe(expected)
  expect(readFileSync(began, 'utf8')).toBe(runs)
})

test('a program that is not there fails the run', async () => {
  expect(await start('exec no-such-program').ended).toBe(127)
})

test('the program gets its configuration unchanged, in a file for its user only', async () => {
  const copy = join(folder, 'copy')
  expect(await start(`[ "$1 $2" = "audit --config" ] && cat "$3" > ${copy} && ls -l "$3" >> ${copy}`).ended).toBe(0)
  const [config, listing] = readFileSync(copy, 'utf8').split('}')
  expect(`${config}}`).toBe(`{"a":"it's $HOME\\\\n"}`)
  expect(listing).toMatch(/^-rw-------/)
})

test.each([
  [{}, 'audit'],
  [{ [variables.command]: 'doctor' }, 'doctor'],
  [
    { [variables.command]: 'plan', [variables.children]: '16', [variables.deadline]: '9s' },
    'plan|--children|16|--deadline|9s|--out|s3://b/a b/plan.json',
  ],
  [{ [variables.command]: 'work', [arrayIndexVariable]: '7' }, 'work|--plan|s3://b/a b/plan.json|--child|7'],
  [{ [variables.command]: 'work' }, 'work|--plan|s3://b/a b/plan.json|--child|0'],
  [{ [variables.command]: 'collect' }, 'collect|--plan|s3://b/a b/plan.json'],
])('with %o runs snapproof %s', async (environment: Readonly<Record<string, string>>, words) => {
  const copy = join(folder, 'words')
  const program = `for word; do printf '%s|' "$word"; done > ${copy}`
  expect(await start(program, { [variables.plan]: 's3://b/a b/plan.json', ...environment }).ended).toBe(0)
  expect(readFileSync(copy, 'utf8')).toBe(`${words}|--config|${join(folder, 'work')}/config.json|`)
})

test('a command that is none of ours fails the run and starts nothing', async () => {
  const copy = join(folder, 'never')
  expect(await start(`: > ${copy}`, { [variables.command]: 'audit; rm -rf /' }).ended).toBe(64)
  expect(existsSync(copy)).toBe(false)
})

test('a stop reaches the program, which ends in its own time and with its own exit code', async () => {
  const [ready, stopped] = [join(folder, 'ready'), join(folder, 'stopped')]
  const { child, ended } = start(
    `trap 'sleep 0.2; echo yes > ${stopped}; exit 2' TERM; : > ${ready}; while :; do sleep 0.05; done`,
  )
  for (let i = 0; i < 200 && !existsSync(ready); i++) await delay(25)
  child.kill('SIGTERM')
  expect(await ended).toBe(2)
  expect(readFileSync(stopped, 'utf8')).toBe('yes\n')
})
