/** The directory driver. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { systemClock } from '../../src/time.ts'
import { blobContract } from '../contract/blobs.ts'
import { temporaryFolder, writeFiles } from './support.ts'

blobContract('directory driver', async () => {
  const root = await temporaryFolder()
  return {
    async open(name) {
      await mkdir(join(root, name), { recursive: true })
      return openDirectoryStore({ folder: join(root, name), clock: systemClock })
    },
    openMissing: async () => openDirectoryStore({ folder: join(root, 'missing'), clock: systemClock }),
    furtherKeys: ['line\nfeed\r', 'bell\u0007'],
    fill: (name, keys) => writeFiles(join(root, name), keys),
    close: () => rm(root, { recursive: true, force: true }),
  }
})
