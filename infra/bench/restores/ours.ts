/** A first night of ours over a repository, everything open, without a ledger. */
import { setMaxListeners } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { buildRun } from '../../../src/cli/context.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { silentLog } from '../../../src/log.ts'
import type { RunResult } from '../../../src/model/run.ts'
import { audit } from '../../../src/run/audit.ts'
import { systemClock } from '../../../src/time.ts'
import { server } from './repository.ts'

export interface OursOptions {
  /** `s3://…` or `file://…`. */
  readonly url: string
  readonly endpointUrl: string | null
  readonly source: 's3' | 'mirror'
  /** Of `work.chainFrom`. */
  readonly chainFrom: string
  readonly snapshots: readonly string[]
  readonly folder: string
}

/** Throws `Error` unless every content is restored and passes. */
export async function restoreByUs(options: OursOptions): Promise<RunResult> {
  const { url, endpointUrl, source, chainFrom, snapshots, folder } = options
  const store = endpointUrl === null ? '' : `, region: us-east-1, endpointUrl: '${endpointUrl}'`
  const file = join(folder, 'snapproof.yaml')
  await writeFile(
    file,
    `repository: { name: bench, url: '${url}'${store} }
engines: [ { name: open, kind: maven, product: ${server.product}, version: ${server.version}, heapMb: 1024 } ]
work: { folder: '${folder}', source: ${source}, chainFrom: ${chainFrom} }
ledger: { sync: none }
metrics: { enabled: false }
`,
  )
  const config = await loadConfig({ file, environment: {}, overrides: {} })
  const context = {
    environment: process.env,
    clock: systemClock,
    log: { ...silentLog, clear: () => {} },
    signal: ownSignal(),
    print: () => {},
  }
  const { dependencies, close } = await buildRun(context, config, join(folder, 'out'))
  try {
    const run = await audit(dependencies, { command: 'verify', only: [...snapshots], limits: config.limits })
    const open = run.verdicts.filter(row => row.level === 'restore' && row.verdict !== 'pass')
    if (open.length > 0) throw new Error(`${open.length} are not proven, such as ${JSON.stringify(open[0])}`)
    return run
  } finally {
    await close()
  }
}

/** Every request in flight listens to it. */
function ownSignal(): AbortSignal {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return signal
}
