/**
 * Imports go one way. Every import of src/, and every import that infra/ makes from it, is read and compared with the
 * table of rooms in test/support/rooms.ts.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { libraryRooms, mayImport, pureRooms, violations } from './support/rooms.ts'

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => posix.join(folder, name))
    .filter(file => /\.(?:ts|tsx|mts)$/.test(file) && !file.includes('/node_modules/'))
    .sort()
}

const files = [...sourceFiles('src'), ...sourceFiles('infra')]

test('there is something to check', () => {
  expect(files.length).toBeGreaterThan(20)
  expect(files).toContain('src/config/schema.ts')
})

test.each(files)('%s keeps to the rooms', file => {
  expect(violations(file, readFileSync(file, 'utf8'))).toEqual([])
})

test('every room of the table that others may import has its place in it', () => {
  const rooms = new Set(Object.keys(mayImport))
  const named = [...Object.values(mayImport).flat(), ...[...libraryRooms.values()].flat(), ...pureRooms]
  const unknown = named.filter(entry => entry !== '*' && !rooms.has(entry.split('/')[0] ?? ''))
  expect(unknown).toEqual([])
})

test('the rooms form no circle', () => {
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
    if (seen.has(from)) return false
    seen.add(from)
    return (mayImport[from] ?? []).some(entry => {
      // A port stands alone: it imports nothing but the base.
      if (entry.includes('/')) return false
      return entry === to || reaches(entry, to, seen)
    })
  }
  expect(Object.keys(mayImport).filter(room => reaches(room, room))).toEqual([])
})

describe('the check can fail', () => {
  test.each([
    ['src/plan/x.ts', "import { a } from '../run/audit.ts'", /plan imports run\/audit\.ts/],
    ['src/check/x.ts', "import { a } from '../blobs/s3.ts'", /check imports blobs\/s3\.ts/],
    ['src/ledger/x.ts', "import type { A } from '../config/load.ts'", /ledger imports config/],
    ['src/run/x.ts', "export { a } from '../cli/log.ts'", /run imports cli/],
    ['src/cli/x.ts', "export * from '../check/check.ts'", /cli imports check/],
    ['src/model/x.ts', "type A = import('../config/load.ts').B", /model imports config/],
    ['src/restore/x.ts', "const a = await import('../engine/maven.ts')", /restore imports engine\/maven/],
    ['src/restore/x.ts', 'const a = await import(name)', /only the run can tell/],
    ['src/engine/port.ts', "import { a } from '../mirror/port.ts'", /engine imports mirror/],
    ['src/blobs/x.ts', "import { a } from '../../infra/local/s3.ts'", /from outside src/],
    ['src/nowhere/x.ts', "import { a } from '../model/blob.ts'", /does not know: nowhere/],
    ['src/ledger/x.ts', "import { S3Client } from '@aws-sdk/client-s3'", /belongs to blobs/],
    ['src/cli/x.ts', "import yargs from 'yargs/helpers'\nimport { z } from 'zod'", /zod, which belongs to config/],
    ['src/blobs/x.ts', "import left from 'left-pad'", /no room owns/],
    ['src/rules/x.ts', "import limit from 'p-limit'", /p-limit/],
    ['src/rules/x.ts', "import { readFileSync } from 'node:fs'", /pure room rules imports node:fs/],
    ['src/blobs/x.ts', "import { readFileSync } from 'fs'", /without node:/],
    ['src/blobs/x.ts', "import { spawn } from 'node:child_process'", /outside engine/],
    ['src/blobs/x.ts', "import { env } from 'node:process'", /environment is config's/],
    ['src/plan/x.ts', "import { type Clock, isoTime } from '../time.ts'", /imports Clock from time\.ts/],
    ['src/plan/x.ts', "import type { Log } from '../log.ts'", /imports Log from log\.ts/],
    ['src/report/x.ts', 'export async function a() {}', /says async/],
    ['src/report/x.ts', 'export const a = (b: Promise<string>) => b', /names Promise/],
    ['src/report/x.ts', 'for await (const a of b) c(a)', /for await/],
    ['src/run/x.ts', 'const a = Date.now()', /says Date\.now/],
    ['src/run/x.ts', 'const a = globalThis.Date.now()', /says Date\.now/],
    ['src/run/x.ts', 'const a = items.map(Math.random)', /says Math\.random/],
    ['src/run/x.ts', "const a = process['env'].HOME", /says process\.env/],
    ['src/run/x.ts', 'const { env } = process', /takes process apart/],
    ['src/run/x.ts', '\nconst a = new Date()', /says new Date\(\) \(line 2\)/],
    ['infra/aws/stack.ts', "import { a } from '../../src/run/audit.ts'", /infra\/aws imports run/],
  ])('%s: %s', (file, text, fault) => {
    expect(violations(file, text).join('\n')).toMatch(fault)
  })
})

describe('the check lets pass', () => {
  test.each([
    [
      'src/check/x.ts',
      "import { a } from '../repository/smile.ts'\nimport type { BlobReader } from '../blobs/port.ts'",
    ],
    ['src/plan/x.ts', "import { isoTime } from '../time.ts'\nimport { createHash } from 'node:crypto'"],
    ['src/run/x.ts', 'const a = new Date(0)\nconst b = process.memoryUsage()\nconst c = Math.max(1, 2)'],
    ['src/run/x.ts', "// Date.now() and import '../cli/log.ts'\nconst a = 'process.env'"],
    ['src/config/x.ts', 'const a = process.env'],
    ['src/report/x.ts', 'const a = { fetch: 1 }.fetch'],
    ['src/report/x.ts', "if (a instanceof Promise) throw new Error('no')"],
    ['infra/aws/stack.ts', "import { names } from '../../src/metrics/names.ts'\nimport * as cdk from 'aws-cdk-lib'"],
  ])('%s: %s', (file, text) => {
    expect(violations(file, text)).toEqual([])
  })
})
