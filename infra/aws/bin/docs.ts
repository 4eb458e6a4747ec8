/** Writes the generated parts of infra/README.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withGeneratedParts } from '../lib/readme.ts'

const file = join(import.meta.dirname, '..', '..', 'README.md')
writeFileSync(file, withGeneratedParts(readFileSync(file, 'utf8')))
