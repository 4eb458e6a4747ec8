/** Files for other programs: written whole, and never those of another night. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { auditCommand } from '../../src/cli/commands.ts'
import type { CliContext } from '../../src/cli/context.ts'
import { clearExports, writeExports } from '../../src/cli/exports.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { goodRun } from '../support/runs.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-exports-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const flagsOf = () => ({ junit: join(folder, 'junit.xml'), openmetrics: join(folder, 'snapproof.prom') })

it('are written over what was there, and nothing lies beside them', async () => {
  const { junit, openmetrics } = flagsOf()
  await writeFile(junit, 'old')
  await writeExports(flagsOf(), goodRun(), 0)
  expect(await readFile(junit, 'utf8')).toMatch(/^<\?xml .*<\/testsuites>\n$/s)
  expect(await readFile(openmetrics, 'utf8')).toMatch(/# EOF\n$/)
  expect((await readdir(folder)).sort()).toEqual(['junit.xml', 'snapproof.prom'])
})

it('are not written unless asked for', async () => {
  await clearExports({})
  await writeExports({}, goodRun(), 0)
  expect(await readdir(folder)).toEqual([])
})

it('in a folder that is not there are an error with its name', async () => {
  const junit = join(folder, 'none', 'junit.xml')
  await expect(writeExports({ junit }, goodRun(), 0)).rejects.toMatchObject({
    code: 'disk-failed',
    message: expect.stringContaining(junit),
  })
})

it('of the last night do not outlive an audit that came to nothing', async () => {
  const flags = flagsOf()
  for (const file of Object.values(flags)) await writeFile(file, 'a good night')
  const context: CliContext = {
    environment: {},
    clock: systemClock,
    log: { ...silentLog, clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: () => {},
  }
  await expect(auditCommand(context, { ...flags, config: join(folder, 'none.yaml') })).rejects.toMatchObject({
    code: 'configuration',
  })
  expect(await readdir(folder)).toEqual([])
})
