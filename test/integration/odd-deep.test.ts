/** A damage with good checksums: a restore passes, and only a look into the files tells. Elasticsearch 7: with Lucene 10 it does not. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fixture, openBench } from '../support/auditRun.ts'
import { damageInside } from '../support/luceneDamage.ts'
import { indexIdOf, inspectFolder } from '../support/repositoryFiles.ts'

it('work.deep finds what no checksum tells', async () => {
  const bench = await openBench({ product: 'elasticsearch', version: '7.17.28' })
  try {
    const folder = await bench.copy(fixture.replace('es-9.5', 'es-7.17'))
    const seen = await inspectFolder(folder)
    const uuid = seen.snapshots.find(one => one.name === 'night-1')?.uuid ?? ''
    const shard = join(folder, 'indices', indexIdOf(seen, 'night-1', 'growing'), '0')
    await damageInside(shard, uuid, 'fdt', () => 60)
    const verify = async (deep: boolean) => {
      const settings = { 'work.deep': deep, 'work.freshStarts': 0 }
      const night = await bench.night(`deep-${deep}`, { repository: `file://${folder}`, only: ['night-1'], settings })
      return night.run.restores.find(row => row.index === 'growing')
    }
    expect(await verify(false)).toMatchObject({ verdict: 'pass' })
    // No fresh server is left to repeat it, so nobody is accused; with one it is.
    expect(await verify(true)).toMatchObject({ verdict: 'inconclusive', reason: 'not-repeated' })
  } finally {
    await bench.close()
  }
})
