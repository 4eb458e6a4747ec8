/** What the compiler does not copy: the Java launchers that an engine of kind maven is started with, and the repository of the self-check. */
import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')
for (const asset of [join('engine', 'launchers'), join('repository', 'damage', 'built-in.json')])
  cpSync(join(root, 'src', asset), join(root, 'dist', asset), { recursive: true })
