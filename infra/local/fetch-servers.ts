/** Fetches what the integration tests start, all at once, into the cache: Elasticsearch's jars, moto, Chromium. */
import process from 'node:process'
import { cacheFolder } from '../../src/config/cache.ts'
import { mavenInstallation } from '../../src/engine/maven.ts'
import { describeError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { ensureChromium } from './chromium.ts'
import { sourceVersion } from './cluster.ts'
import { installMoto } from './moto.ts'

const engine = () =>
  mavenInstallation({
    product: 'elasticsearch',
    version: sourceVersion,
    cacheFolder: cacheFolder(process.env),
    environment: process.env,
    signal: AbortSignal.timeout(900_000),
    log: silentLog,
  })

const results = await Promise.allSettled([engine(), installMoto(), ensureChromium()])
const errors = results.flatMap(result => (result.status === 'rejected' ? [describeError(result.reason)] : []))
for (const error of errors) process.stdout.write(`${error}\n`)
process.exitCode = errors.length === 0 ? 0 : 1
