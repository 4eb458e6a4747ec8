/** Whole nights that are sealed, on a real server and a real ledger, and checked by the program as an auditor would. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { silentLog } from '../../src/log.ts'
import { decodeSeal, sha256 } from '../../src/seal/record.ts'
import { systemClock } from '../../src/time.ts'
import { ours, pemOf } from '../seal/support.ts'
import { type Bench, fixture, type Night, openBench } from '../support/auditRun.ts'

const name = 'sealed'
let bench: Bench
let [chain, copies, keyFile, publicKey] = ['', '', '', '']

beforeAll(async () => {
  bench = await openBench()
  chain = join(bench.folder, 'chain')
  copies = join(bench.folder, 'copies')
  keyFile = join(bench.folder, 'seal.pem')
  publicKey = join(bench.folder, 'seal.pem.pub')
  await mkdir(chain)
  await mkdir(copies)
  await writeFile(keyFile, pemOf(ours.privateKey), { mode: 0o600 })
  await writeFile(publicKey, pemOf(ours.publicKey))
})
afterAll(() => bench?.close())

const night = (): Promise<Night> =>
  bench.night(name, {
    repository: pathToFileURL(fixture).href,
    settings: {
      'seal.url': pathToFileURL(chain).href,
      'seal.keyFile': keyFile,
      'output.url': pathToFileURL(copies).href,
    },
  })

async function verify(...more: string[]) {
  const printed: string[] = []
  const context: CliContext = {
    environment: {},
    clock: systemClock,
    log: { ...silentLog, clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: text => printed.push(text),
  }
  const args = ['seal', 'verify', chain, '--public-key', publicKey, '--runs', copies, '--json', ...more]
  const code = await createProgram(context, text => printed.push(text), '1').run(args)
  return { code, ...JSON.parse(printed.join('')) }
}

const withLedger = () => verify('--config', join(bench.folder, `${name}.yaml`))
const seals = async () => (await readdir(chain)).sort()

it('each night adds one seal that holds what it left; a cut end is seen by the ledger and by the next night', async () => {
  const first = await night()
  const second = await night()
  expect([first.run.seal?.unsealed, second.run.seal?.unsealed]).toEqual([null, null])
  expect(await seals()).toEqual(['seal-0000000001.jsonl', 'seal-0000000002.jsonl'])
  const bytes = await readFile(join(chain, 'seal-0000000001.jsonl'))
  expect(second.run.seal?.before).toEqual({ number: 1, hash: sha256(bytes) })
  const seal = decodeSeal(bytes)
  if (typeof seal === 'string') throw new Error(seal)
  const { generation } = first.run.repository
  expect(seal.record).toMatchObject({
    run: { id: first.run.runId, exitCode: first.run.exit.code },
    inputs: {
      configuration: first.run.identity?.configuration,
      generation,
      indexN: sha256(await readFile(join(fixture, `index-${generation}`))),
    },
    outputs: { runJson: sha256(await readFile(join(first.folder, 'run.json'))), ledger: null },
  })
  expect([first.run, second.run].map(run => run.identity?.configuration)).toEqual([
    expect.stringMatching(/^[0-9a-f]{64}$/),
    seal.record.inputs.configuration,
  ])
  expect(await withLedger()).toMatchObject({ code: 0, seals: 2, problems: [], headCompared: true, runsCompared: true })

  await rm(join(chain, 'seal-0000000002.jsonl'))
  // The key alone cannot see it.
  expect((await verify()).code).toBe(0)
  expect(await withLedger()).toMatchObject({ code: 1, problems: [{ kind: 'cut', number: 2, to: 2 }] })
  const third = await night()
  expect(third.run.exit).toMatchObject({ code: 2, reason: expect.stringContaining('remembers seal 2') })
  expect(await seals()).toEqual(['seal-0000000001.jsonl', 'seal-0000000003.jsonl'])
  expect(await readFile(join(third.folder, 'report.html'), 'utf8')).toContain('The chain of seals is not what it was')
  expect(await verify()).toMatchObject({ code: 1, problems: [{ kind: 'missing', number: 2 }] })
}, 600_000)
