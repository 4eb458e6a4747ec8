/** A folder that starts the stand-in as a `distribution`: `bin/elasticsearch`, as a process of its own group. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'

export async function standInDistribution(folder: string): Promise<string> {
  const path = join(folder, 'bin', 'elasticsearch')
  await mkdir(join(folder, 'bin'), { recursive: true })
  await mkdir(join(folder, 'config'), { recursive: true })
  await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${join(import.meta.dirname, 'server.mjs')}" "$@"\n`)
  await chmod(path, 0o755)
  return folder
}
