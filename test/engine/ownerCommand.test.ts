/** Programs of the owner's: bounded in time and output, told where to look, and dead when we say so. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { maxOutputBytes, plainEnvironment, runOwnerCommand } from '../../src/engine/ownerCommand.ts'

const folder = mkdtempSync(join(tmpdir(), 'snapproof-command-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0

function run(script: string, { seconds = 60, signal = new AbortController().signal, args = [] as string[] } = {}) {
  const file = join(folder, `command-${++count}.sh`)
  writeFileSync(file, script)
  return runOwnerCommand(
    {
      run: ['/bin/sh', file, ...args],
      target: 'snapproof-1',
      environment: { PATH: '/usr/bin:/bin', SNAPPROOF_SNAPSHOT: 'nightly' },
      timeLimitSeconds: seconds,
      signal,
    },
    'http://127.0.0.1:9',
  )
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves once the process is gone; a zombie of ours may take a moment. */
async function gone(file: string): Promise<void> {
  const pid = Number(readFileSync(file, 'utf8'))
  expect(pid).toBeGreaterThan(0)
  while (isAlive(pid)) await sleep(20)
}

test('exit code, output of both streams, and an environment of its own', async () => {
  process.env.SNAPPROOF_TEST_SECRET = 'hidden'
  const script =
    'echo "$SNAPPROOF_ENDPOINT $SNAPPROOF_INDEX $SNAPPROOF_SNAPSHOT $SNAPPROOF_TEST_SECRET $1"; echo bad >&2; exit 7'
  const { exitCode, output } = await run(script, { args: ['an argument; with $HOME'] })
  Reflect.deleteProperty(process.env, 'SNAPPROOF_TEST_SECRET')
  expect(exitCode).toBe(7)
  expect(output).toContain('http://127.0.0.1:9 snapproof-1 nightly  an argument; with $HOME\n')
  expect(output).toContain('bad\n')
})

test('credentials are not handed on', () => {
  expect(plainEnvironment({ PATH: '/bin', HOME: '/root', AWS_SECRET_ACCESS_KEY: 'x', SNAPPROOF_CONFIG: 'y' })).toEqual({
    PATH: '/bin',
    HOME: '/root',
  })
})

describe('is ended', () => {
  test('after its time, with what it started', async () => {
    const pid = join(folder, 'hanging')
    const error = await run(`sleep 600 & echo $! > '${pid}'; echo waiting; wait`, { seconds: 1 }).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ code: 'owner-command' })
    expect(String(error)).toMatch(/did not end within 1 s and was ended; it said last: waiting/)
    await gone(pid)
  })

  test('when it floods', async () => {
    const error = await run('yes "0123456789012345678901234567890123456789"').catch((e: unknown) => e)
    expect(String(error)).toMatch(new RegExp(`wrote more than ${maxOutputBytes} bytes`))
    expect(String(error).length).toBeLessThan(1_000)
  })

  test('when the run is', async () => {
    const stop = new AbortController()
    const pid = join(folder, 'interrupted')
    const running = run(`echo $$ > '${pid}'; sleep 600`, { signal: stop.signal })
    while (!(await readable(pid))) await sleep(20)
    stop.abort(new Error('Ctrl-C'))
    await expect(running).rejects.toThrow('Ctrl-C')
    await gone(pid)
  })

  test('what it leaves behind dies with it', async () => {
    const pid = join(folder, 'left')
    expect(await run(`sleep 600 & echo $! > '${pid}'; exit 0`)).toMatchObject({ exitCode: 0 })
    await gone(pid)
  })

  test('by a signal: no exit code, no answer', async () => {
    await expect(run('kill -9 $$')).rejects.toThrow(/was ended by SIGKILL/)
  })
})

test('that cannot be started is told', async () => {
  const command = { run: ['/no/such/program'] as const, target: 't', environment: {}, timeLimitSeconds: 5 }
  const { signal } = new AbortController()
  await expect(runOwnerCommand({ ...command, run: ['/no/such/program'], signal }, 'http://x')).rejects.toMatchObject({
    code: 'owner-command',
  })
})

async function readable(file: string): Promise<boolean> {
  try {
    return readFileSync(file, 'utf8').trim() !== ''
  } catch {
    return false
  }
}
