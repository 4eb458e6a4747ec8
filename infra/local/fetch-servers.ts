/** Fetches what the integration tests start, all at once, into the cache: Elasticsearch's jars, moto, Chromium, versitygw, a parser of OpenMetrics text. */
import process from 'node:process'
import { cacheFolder } from '../../src/config/cache.ts'
import { mavenInstallation } from '../../src/engine/maven.ts'
import { describeError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { ensureBaseImages } from '../image/local/base-images.ts'
import { findPodman } from '../image/local/podman.ts'
import { ensureChromium } from './chromium.ts'
import { sourceVersion } from './cluster.ts'
import { installMoto } from './moto.ts'
import { installOpenMetricsParser } from './python-tools.ts'
import { installVersitygw, versitygwMissing } from './versitygw.ts'

const engine = () =>
  mavenInstallation({
    product: 'elasticsearch',
    version: sourceVersion,
    cacheFolder: cacheFolder(process.env),
    environment: process.env,
    signal: AbortSignal.timeout(900_000),
    log: silentLog,
  })

// Needs Go; where there is none its tests say that they are left out.
const versitygw = async () => ((await versitygwMissing()) === null ? await installVersitygw() : null)

const jars = engine()
// Need a container engine, and the jars; where there is none the tests of the image say so.
const baseImages = async () => {
  const podman = await findPodman()
  if (typeof podman === 'string') return
  await jars
  await ensureBaseImages(podman, text => process.stderr.write(`${text}\n`))
}

const results = await Promise.allSettled([
  jars,
  installMoto(),
  installOpenMetricsParser(),
  ensureChromium(),
  versitygw(),
  baseImages(),
])
const errors = results.flatMap(result => (result.status === 'rejected' ? [describeError(result.reason)] : []))
for (const error of errors) process.stdout.write(`${error}\n`)
process.exitCode = errors.length === 0 ? 0 : 1
