/** The command line: what is not understood is said, with the exit code that is documented. */
import { describe, expect, test } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { exitCodes } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { fakeClock } from '../support/fakes.ts'

async function run(...args: string[]) {
  const said: string[] = []
  const printed: string[] = []
  const context: CliContext = {
    environment: {},
    clock: fakeClock(),
    log: { ...silentLog, clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: text => printed.push(text),
  }
  const code = await createProgram(context, text => said.push(text), '1.2.3').run(args)
  return { code, said: said.join(''), printed: printed.join('') }
}

describe('usage errors', () => {
  test.each([
    ['no command', [], /Which command/],
    ['an unknown command', ['audti'], /audti|audit/i],
    ['an unknown flag', ['plan', '--max-snapshot', '2'], /max-snapshot/],
    ['verify without a snapshot', ['verify'], /snapshots|positional|argument/i],
    ['a log that is not known', ['plan', '--log', 'loud'], /loud/],
    ['neither configuration nor URL', ['plan'], /neither a configuration nor a URL/],
  ])('%s: 64, with advice', async (_, args, words) => {
    const { code, said, printed } = await run(...args)
    expect(code).toBe(exitCodes.usage)
    expect(said).toMatch(words)
    expect(said.trim().split('\n').length).toBeGreaterThan(1)
    expect(printed).toBe('')
  })

  test('control characters of an argument do not reach the terminal', async () => {
    const { code, said } = await run('\u001b[31mred')
    expect(code).toBe(exitCodes.usage)
    expect(said).not.toContain('\u001b')
  })
})
