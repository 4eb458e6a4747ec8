/** The S3 driver against the local S3 server. */
import { join } from 'node:path'
import { blobContract } from '../contract/blobs.ts'
import { startLab, writeFiles } from './support.ts'

blobContract('S3 driver on the local S3 server', async () => {
  const lab = await startLab()
  const generous = { attemptTimeoutMs: 20_000, giveUpAfterMs: 30_000 }
  return {
    open: async name => lab.store({ basePath: `/${name} +&é/`, ...generous }),
    openMissing: async () => lab.store({ bucket: 'no-such-bucket' }),
    furtherKeys: ['line\nfeed\r', 'bell\u0007'],
    fill: (name, keys) => writeFiles(join(lab.root, 'bucket', `${name} +&é`), keys),
    close: () => lab.close(),
  }
})
