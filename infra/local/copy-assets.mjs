/** What the compiler does not copy: the Java launchers that an engine of kind maven is started with. */
import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')
cpSync(join(root, 'src', 'engine', 'launchers'), join(root, 'dist', 'engine', 'launchers'), { recursive: true })
