/** Starts an engine in a container, says so and then waits to be killed. Run by engine-container.test.ts. */
import { sourceVersion } from '../../../infra/local/cluster.ts'
import { startEngine } from '../../../src/engine/start.ts'
import { silentLog } from '../../../src/log.ts'
import { systemClock } from '../../../src/time.ts'

const { command, image, repositories, work } = JSON.parse(process.argv[2] ?? '{}')
await startEngine({
  name: 'es9',
  kind: 'container',
  version: sourceVersion,
  command,
  image,
  network: 'internal',
  workFolder: work,
  repositoryFolder: repositories,
  heapMb: 512,
  startTimeoutMs: 180_000,
  environment: process.env,
  signal: new AbortController().signal,
  log: silentLog,
  clock: systemClock,
})
process.stdout.write('up\n')
setInterval(() => {}, 1_000)
