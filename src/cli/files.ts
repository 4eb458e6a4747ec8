/** What a run writes beside its ledger, and what the package itself holds. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BlobWriter } from '../blobs/port.ts'
import { diskError } from '../errors.ts'
import type { RunDependencies } from '../run/dependencies.ts'

const contentTypes = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.csv', 'text/csv; charset=utf-8'],
])

/** Files go to the folder at once; the store gets its copy when the run is over. */
export function outputFolder(folder: string, runId: string, store: BlobWriter | null): RunDependencies['output'] {
  const written = new Map<string, string>()
  return {
    folder,
    async write(name, text) {
      const path = join(folder, name)
      try {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, text)
      } catch (error) {
        throw diskError(error, 'write', path)
      }
      written.set(name, createHash('sha256').update(text).digest('hex'))
    },
    written: () => written,
    async upload(signal) {
      for (const name of store === null ? [] : written.keys()) {
        const contentType = contentTypes.get(extname(name)) ?? 'application/json'
        await store?.put(`${runId}/${name}`, await readFile(join(folder, name)), { contentType, signal })
      }
    },
  }
}

/** The package's own folder: this file is in src/cli or dist/cli. */
const packageFolder = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')

export async function readPackage(): Promise<{ readonly version: string }> {
  const text = await readFile(join(packageFolder, 'package.json'), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return { version }
}

export function readStyle(): Promise<string> {
  return readFile(join(packageFolder, 'reports', 'style.css'), 'utf8')
}
