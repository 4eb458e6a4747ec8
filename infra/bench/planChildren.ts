/** `plan --children` as the command does it. A file of its own: it loads the whole program, which the other measurements must not carry. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '../../src/blobs/open.ts'
import { prefixed } from '../../src/blobs/prefixed.ts'
import { buildRun } from '../../src/cli/context.ts'
import { loadConfig } from '../../src/config/load.ts'
import { silentLog } from '../../src/log.ts'
import { ArrayFolder } from '../../src/run/array/folder.ts'
import { planArray } from '../../src/run/array/plan.ts'
import { systemClock } from '../../src/time.ts'
import { generatedReader } from '../local/generate/reader.ts'
import type { RepositoryShape } from '../local/generate/shape.ts'
import type { PlanAnswer, Used } from './task.ts'

const signal = new AbortController().signal

export async function planChildren(
  shape: RepositoryShape,
  folder: string,
  children: number,
): Promise<Omit<PlanAnswer, keyof Used>> {
  const file = join(folder, 'snapproof.yaml')
  const ledger = join(folder, 'ledger')
  for (const one of ['ledger', 'repository']) await mkdir(join(folder, one), { recursive: true })
  await writeFile(
    file,
    `repository: { name: bench, url: 'file://${join(folder, 'repository')}' }
ledger: { url: 'file://${ledger}', file: ledger.sqlite }
engines: [{ name: elasticsearch, kind: distribution, version: 9.5.3, home: /nowhere }]
output: { folder: runs }
work: { folder: work }
metrics: { enabled: false }
`,
  )
  const config = await loadConfig({ file, environment: {}, overrides: {} })
  const log = { ...silentLog, clear: () => {} }
  const context = { environment: {}, clock: systemClock, log, signal, print: () => {} }
  const { dependencies, close } = await buildRun(context, config, undefined)
  try {
    const store = prefixed(openStore(`file://${ledger}`, { clock: systemClock }), 'arrays/one')
    const limits = { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null }
    const { summary } = await planArray(
      { ...dependencies, repository: generatedReader(shape, dependencies.counts) },
      { folder: new ArrayFolder(store), children, limits, deadlineSeconds: 86_400 },
    )
    const { contents, groups } = summary
    const planBytes = (await store.head('plan.json', { signal }))?.bytes ?? 0
    return { contents, groups, children: summary.children, planBytes }
  } finally {
    await close()
  }
}
