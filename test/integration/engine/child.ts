/** Starts an engine, prints its process id and then waits to be killed. Run by engine.test.ts. */
import { startSourceCluster } from '../../../infra/local/cluster.ts'

const [workFolder = '', cacheFolder = '', home = ''] = process.argv.slice(2)
const kind = home === '' ? ({ kind: 'maven' } as const) : ({ kind: 'distribution', home } as const)
const cluster = await startSourceCluster({ workFolder, cacheFolder, ...kind })
process.stdout.write(`${cluster.pid}\n`)
setInterval(() => {}, 1_000)
