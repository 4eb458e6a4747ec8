/**
 * Restores on a real OpenSearch 3.3 from repositories whose shards lie in hashed folders: the mirror must put them where a
 * server without prefix and base path computes them.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, it } from 'vitest'
import { buildRun } from '../../src/cli/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silentLog } from '../../src/log.ts'
import { audit } from '../../src/run/audit.ts'
import { systemClock } from '../../src/time.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { mustJudgeAlike } from '../support/judgeAlike.ts'

const fixtures = repositoryFixtures().filter(({ name }) => name === 'os-3.3-prefix' || name === 'os-3.3-infix')

it.each(fixtures)('$name is restored with the counts that its server told', async ({ name, folder, expected }) => {
  const work = await mkdtemp(join(tmpdir(), 'snapproof-opensearch-'))
  try {
    const file = join(work, 'snapproof.yaml')
    const text = `repository: { name: ${name}, url: 'file://${folder}' }
ledger: { sync: none }
engines: [ { name: opensearch, kind: maven, product: opensearch, version: 3.3.0, heapMb: 512 } ]
work: { folder: work }
metrics: { enabled: false }
`
    await writeFile(file, text)
    const config = await loadConfig({ file, environment: {}, overrides: {} })
    const { signal } = new AbortController()
    const log = { ...silentLog, clear: () => {} }
    const context = { environment: process.env, clock: systemClock, log, signal, print: () => {} }
    const { dependencies, close } = await buildRun(context, config, join(work, 'out'))
    try {
      const run = await audit(dependencies, { command: 'verify', only: ['night-2'], limits: config.limits })
      await mustJudgeAlike(join(work, 'out'), run, config)
      expect(run.findings).toEqual([])
      const restored = run.restores.map(({ index, verdict, foundDocs }) => [index, verdict, foundDocs])
      const told = Object.entries(expected.snapshots['night-2']?.indices ?? {}).map(([index, shards]) => [
        index,
        'pass',
        shards.reduce((sum, shard) => sum + (shard?.luceneDocs ?? 0), 0),
      ])
      expect(told.length).toBe(5)
      expect(restored.sort()).toEqual(told.sort())
    } finally {
      await close()
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
})
