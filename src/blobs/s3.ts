/** The S3 driver. Contract: port.ts; the only user of the S3 SDK, with its `s3-*` neighbours. */
import { collect } from './requests.ts'
import { describe } from './s3-errors.ts'
import { getObject } from './s3-get.ts'
import { headObject } from './s3-head.ts'
import { listObjects } from './s3-list.ts'
import { storeLock } from './s3-lock.ts'
import { type S3StoreOptions, s3Place } from './s3-place.ts'
import { deleteObject, putObject, tryWrite } from './s3-put.ts'
import { objectVersions } from './s3-versions.ts'
import type { Store } from './write-probe.ts'

export type { S3StoreOptions } from './s3-place.ts'

/** Opens nothing yet: the first call connects. */
export function openS3Store(options: S3StoreOptions): Store {
  const place = s3Place(options)
  const { bucket, base, url } = place
  return {
    url,
    basePath: base.replace(/\/$/, ''),
    list: (prefix, listOptions) => listObjects(place, prefix, listOptions),
    head: (key, headOptions) => headObject(place, key, headOptions),
    get: (key, getOptions) => getObject(place, key, getOptions),
    async read(key, { maxBytes, signal }) {
      const blob = await getObject(place, key, signal === undefined ? {} : { signal })
      return await collect(blob, maxBytes, describe({ verb: 'get', bucket, key: place.full(key) }))
    },
    async put(key, bytes, putOptions = {}) {
      await putObject(place, key, bytes, {}, putOptions)
    },
    putIfAbsent: (key, bytes, putOptions = {}) => putObject(place, key, bytes, { IfNoneMatch: '*' }, putOptions),
    putIfMatch: (key, bytes, etag, putOptions = {}) => putObject(place, key, bytes, { IfMatch: etag }, putOptions),
    delete: (key, { signal } = {}) => deleteObject(place, key, signal),
    storeLock: signal => storeLock(place, signal),
    versions: objectVersions(place),
    tryWrite: (key, signal) => tryWrite(place, key, signal),
    serverAccess: async () => {
      const { config } = place.connection.client
      const endpointUrl = options.endpointUrl ?? null
      return {
        bucket,
        basePath: base.replace(/\/$/, ''),
        region: await config.region(),
        endpointUrl,
        pathStyle: options.pathStyle ?? endpointUrl !== null,
        credentials: async () => await config.credentials(),
      }
    },
    async close() {
      place.connection.close()
    },
  }
}
