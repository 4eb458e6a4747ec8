/**
 * `node copy-assets.mjs [DIST]`: what the compiler does not copy: the Java launchers that an engine of kind maven is started with, and the
 * repository of the self-check.
 */
import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

const root = resolve(import.meta.dirname, '..', '..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
for (const asset of [join('engine', 'launchers'), join('repository', 'damage', 'built-in.json')])
  cpSync(join(root, 'src', asset), join(dist, asset), { recursive: true })
