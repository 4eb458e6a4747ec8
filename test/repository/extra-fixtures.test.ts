/**
 * Repositories that cannot be part of this project, each a folder of SNAPPROOF_EXTRA_FIXTURES: read whole, without a
 * fault, every shard complete with known counts. Such as ES_6_8_Single of opensearch-project/opensearch-migrations
 * (RFS/test-resources/snapshots), written by Elasticsearch 6.8.24; its counts were seen after a restore on 7.17.28.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readWhole } from '../support/catalogues.ts'
import { openFolder } from '../support/fixtures.ts'

const root = process.env['SNAPPROOF_EXTRA_FIXTURES'] ?? ''
const folders =
  root !== '' && existsSync(root) ? readdirSync(root).filter(name => existsSync(join(root, name, 'index.latest'))) : []

/** Documents and max sequence number of each shard, where somebody looked. */
const known: Readonly<Record<string, unknown>> = {
  ES_6_8_Single: { posts_2023_02_25: [[1, 0]], posts_2024_01_01: [[3, 2]] },
}

if (folders.length === 0)
  test.skip(
    `extra fixtures: SKIPPED, SNAPPROOF_EXTRA_FIXTURES ${root === '' ? 'is not set' : `names no repository: ${root}`}`,
  )

describe.each(folders)('%s', name => {
  test('reads whole', async () => {
    const { faults, indices } = await readWhole(openFolder(join(root, name)))
    expect(faults).toEqual([])
    const counts = indices.map(record => [
      record.name,
      record.copies.flatMap(({ shards }) =>
        shards.map(({ files }) => {
          expect(files?.countStatus).toBe('known')
          return [files?.luceneDocs, files?.maxSeqNo]
        }),
      ),
    ])
    expect(counts.length).toBeGreaterThan(0)
    if (Object.hasOwn(known, name)) expect(Object.fromEntries(counts)).toEqual(known[name])
  })
})
