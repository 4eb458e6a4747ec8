/**
 * Repositories of many versions, audited in one go with several engines. `npm run test:engines` has real servers write them: one that
 * lived through the upgrades 7.17, 8.19, 9.5, one through OpenSearch 2.x and 3.x. Here a slice: a repository of 8.19 that the nearest
 * engine above restores, and one of 5.6 and 6.8 that none does.
 */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildRun } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startWithClient } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import type { RunResult } from '../../src/model/run.ts'
import { audit } from '../../src/run/audit.ts'
import { systemClock } from '../../src/time.ts'
import { readRun } from '../support/auditRun.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { mustJudgeAlike } from '../support/judgeAlike.ts'

const signal = new AbortController().signal
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'snapproof-engines-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

type Product = 'elasticsearch' | 'opensearch'
interface Version {
  readonly product: Product
  readonly version: string
}
const es = (version: string): Version => ({ product: 'elasticsearch', version })
const os = (version: string): Version => ({ product: 'opensearch', version })
const every = [es('7.17.28'), es('8.19.0'), es('9.5.3'), os('2.19.1'), os('3.3.0')]

function fixtureFolder(name: string): string {
  const folder = repositoryFixtures().find(one => one.name === name)?.folder
  if (folder === undefined) throw new Error(`no fixture ${name}`)
  return folder
}

async function configure(name: string, folder: string, engines: readonly Version[]): Promise<string> {
  const file = join(root, `${name}.yaml`)
  const list = engines.map(
    ({ product, version }) =>
      `  - { name: ${product}-${version}, kind: maven, product: ${product}, version: ${version}, heapMb: 512 }`,
  )
  await writeFile(
    file,
    `repository: { name: ${name}, url: 'file://${folder}' }
ledger: { sync: none, file: ${name}.sqlite }
engines:
${list.join('\n')}
work: { folder: work }
output: { folder: ${name}-runs }
metrics: { enabled: false }
`,
  )
  return file
}

async function night(name: string, folder: string, engines: readonly Version[]) {
  const file = await configure(name, folder, engines)
  const config = await loadConfig({ file, environment: {}, overrides: {} })
  const starts: string[] = []
  const said: string[] = []
  const log = { ...silentLog, warn: (text: string) => void said.push(text), clear: () => {} }
  const context = { environment: process.env, clock: systemClock, log, signal, print: () => {} }
  const { dependencies, close } = await buildRun(context, config, join(root, `out-${name}`))
  try {
    const startEngine: typeof dependencies.startEngine = (engine, abort) => {
      starts.push(engine)
      return dependencies.startEngine(engine, abort)
    }
    const run = await audit({ ...dependencies, startEngine }, { command: 'audit', only: null, limits: config.limits })
    await mustJudgeAlike(join(root, `out-${name}`), run, config)
    return { run, starts, said }
  } finally {
    await close()
  }
}

/** Each snapshot with its verdict at `restore`, why, and what restored its contents. */
function explained(name: string, run: RunResult): string[] {
  return run.snapshots.map(snapshot => {
    const mark = snapshot.levels.restore
    const engines = run.restores.filter(row => row.snapshotUuid === snapshot.uuid).map(row => row.engine)
    return [
      name,
      snapshot.name.slice(0, 12),
      mark?.verdict,
      mark?.reason,
      [...new Set(engines)].sort().join('+') || '-',
    ].join(' | ')
  })
}

describe('a slice', () => {
  it('8.19 by the nearest engine above it; the engine of another product stays asleep', async () => {
    const { run, starts } = await night('slice', fixtureFolder('es-8.19'), [es('7.17.28'), os('3.3.0'), es('9.5.3')])
    expect(starts).toEqual(['elasticsearch-9.5.3'])
    expect(run.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    const marks = run.snapshots.map(({ state, levels }) => [state, levels.restore?.verdict])
    expect(marks).toEqual(run.snapshots.map(({ state }) => [state, state === 'PARTIAL' ? 'inconclusive' : 'pass']))
  })

  it.each([
    ['es-5.6', /archive with an Enterprise or trial licence/],
    ['es-6.8', /add one with product elasticsearch, version 7\.17\.0 or a later 7\.x/],
    ['os-2.19', /add one with product opensearch, version 2\.19\.1 or a later 2\.x/],
  ])('%s by none: nothing is started, and the engine to add is named', async (name, words) => {
    const { run, starts, said } = await night(name, fixtureFolder(name), [es('8.19.0'), es('9.5.3')])
    expect(starts).toEqual([])
    expect(run.restores).toEqual([])
    expect(said.join('\n')).toMatch(words)
    expect(run.limitsOfProof.join('\n')).toMatch(words)
    for (const { state, levels } of run.snapshots) {
      expect(levels.restore?.verdict).not.toBe('pass')
      if (state === 'SUCCESS') expect(levels.restore?.reason).toBe('no-engine-for-version')
    }
  })
})

describe('verify --rehearse', () => {
  async function rehearse(name: string, engines: readonly Version[], ...args: string[]) {
    const file = await configure(name, fixtureFolder(name), engines)
    const [said, printed]: [string[], string[]] = [[], []]
    const log = { ...silentLog, clear: () => {} }
    // The switch of this very file is no variable of the program.
    const { SNAPPROOF_ENGINES_FULL: _, ...environment } = process.env
    const context = {
      environment,
      clock: systemClock,
      log,
      signal,
      print: (text: string) => void printed.push(text),
    }
    const program = createProgram(context, text => void said.push(text), '1.2.3')
    const code = await program.run(['verify', '--config', file, '--json', ...args])
    return { code, said: said.join(''), printed: printed.join('') }
  }

  it('restores with that version what is nearest to another, and leaves no trace in ledger and runs', async () => {
    const { code, said, printed } = await rehearse('es-8.19', [es('8.19.0'), es('9.5.3')], '--rehearse', '9')
    expect(said).toBe('')
    const { snapshots, restored } = JSON.parse(printed).rehearsal
    expect(restored).toMatchObject({ engine: { version: '9.5.3' }, trouble: null })
    const newest = ['wide', 'orders', 'empty', 'growing', 'recreated']
    expect(restored.indices.map((one: { index: string }) => one.index)).toEqual(['empty', 'growing', ...newest])
    expect(new Set(restored.indices.map((one: { verdict: string }) => one.verdict))).toEqual(new Set(['pass']))
    // By metadata: one index was never whole, and nothing dies.
    expect(snapshots.map((one: { outcome: string }) => one.outcome)).not.toContain('dies')
    expect(code).toBe(0)
    expect(restored.folder).toMatch(/\/es-8\.19-runs\/rehearsal-[^/]+$/)
    const run = await readRun(restored.folder)
    expect(run.repository.name).toBe('es-8.19-rehearsal')
    expect(run.engines.map(({ version }) => version)).toEqual(['9.5.3'])
    expect(await readdir(root)).not.toContain('es-8.19.sqlite')
  })

  it('names the engine to add', async () => {
    const { code, said } = await rehearse('os-3.3', [os('3.3.0')], '--rehearse', '9.5.3')
    expect(code).toBe(64)
    expect(said).toMatch(/no engine of elasticsearch 9\.5\.3 is configured[\s\S]*opensearch-3\.3\.0/)
  })
})

/** Writes into a repository as a cluster does that was upgraded: the same folder, one version after the other. */
async function write(folder: string, { product, version }: Version, index: string, snapshot: string): Promise<void> {
  const { engine, client } = await startWithClient({
    name: 'source',
    kind: 'maven',
    product,
    version,
    cacheFolder: cacheFolder(process.env),
    workFolder: join(root, 'sources'),
    repositoryFolder: folder,
    heapMb: 512,
    startTimeoutMs: 240_000,
    environment: process.env,
    signal,
    log: silentLog,
    clock: systemClock,
  })
  const ask = (method: string, path: string, body?: Record<string, unknown>) =>
    client.transport.request<Record<string, { state?: string }>>(
      { method, path, ...(body === undefined ? {} : { body }) },
      { requestTimeout: 120_000 },
    )
  try {
    await ask('PUT', '/_snapshot/r', { type: 'fs', settings: { location: folder } })
    await ask('PUT', `/${index}`, { settings: { number_of_shards: 2, number_of_replicas: 0 } })
    for (let i = 0; i < 30; i++)
      await ask('POST', `/${index}/_doc/${i}?refresh=${i === 29}`, { number: i, text: `document ${i}` })
    const taken = await ask('PUT', `/_snapshot/r/${snapshot}?wait_for_completion=true`, {
      indices: index,
      include_global_state: false,
    })
    expect(taken.snapshot?.state).toBe('SUCCESS')
  } finally {
    await engine.stop()
  }
}

describe.runIf(process.env.SNAPPROOF_ENGINES_FULL === '1')('all of them', { timeout: 45 * 60_000 }, () => {
  it('a mixed set, with five engines', async () => {
    const [upgraded, opened] = [join(root, 'upgraded'), join(root, 'opened')]
    await mkdir(upgraded)
    await mkdir(opened)
    await write(upgraded, es('7.17.28'), 'seven', 'of-7.17')
    await write(upgraded, es('8.19.0'), 'eight', 'of-8.19')
    await write(upgraded, es('9.5.3'), 'nine', 'of-9.5')
    await write(opened, os('2.19.1'), 'two', 'of-os-2.19')
    await write(opened, os('3.3.0'), 'three', 'of-os-3.3')
    const table: string[] = []
    for (const [name, folder] of [
      ['upgraded', upgraded],
      ['opened', opened],
      ['es-7.10', await copied('es-7.10')],
      ['es-6.8', await copied('es-6.8')],
      ['es-5.6', await copied('es-5.6')],
    ] as const) {
      const { run, starts } = await night(name, folder, every)
      expect(new Set(starts).size, `${name}: each engine is started once`).toBe(starts.length)
      expect(run.findings.filter(({ severity }) => severity === 'error')).toEqual([])
      table.push(...explained(name, run))
    }
    process.stderr.write(`\nREPOSITORY | SNAPSHOT | VERDICT | REASON | RESTORED BY\n${table.join('\n')}\n`)
    // A repository lists its snapshots in no order of time.
    expect(table.filter(row => /^(upgraded|opened) /.test(row)).sort()).toEqual([
      'opened | of-os-2.19 | pass | proven | opensearch 2.19.1',
      'opened | of-os-3.3 | pass | proven | opensearch 3.3.0',
      'upgraded | of-7.17 | pass | proven | elasticsearch 7.17.28',
      'upgraded | of-8.19 | pass | proven | elasticsearch 8.19.0',
      'upgraded | of-9.5 | pass | proven | elasticsearch 9.5.3',
    ])
    for (const row of table) expect(row).not.toMatch(/undefined|fail/)
    for (const row of table.filter(one => one.startsWith('es-5.6')))
      expect(row).toMatch(/no-engine-for-version|partial-at-source/)
    for (const row of table.filter(one => /^es-(7\.10|6\.8) /.test(one)))
      expect(row).toMatch(/\| elasticsearch 7\.17\.28$|partial-at-source|credited/)
  })
})

async function copied(name: string): Promise<string> {
  await cp(fixtureFolder(name), join(root, name), { recursive: true })
  return join(root, name)
}
