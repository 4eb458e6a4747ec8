/** Which byte proofs stay when a night asks for none of them. */
import { expect, test } from 'vitest'
import { proveBytes } from '../../src/check/bytes.ts'
import { proofKeys } from '../../src/check/memory.ts'
import type { ByteProof } from '../../src/check/memoryFormat.ts'
import { checkedCopy } from '../support/checked.ts'
import { nowMs, repositoryOf, snapshotEntry } from '../support/contents.ts'
import { copyOf, file, fileList, indexRecord, listed, listedStore } from '../support/records.ts'

test('those of files that are still needed, and of the same objects; those of files that are gone do not', async () => {
  const [kept, rewritten] = [file('__a', 100), file('__b', 50)]
  const record = indexRecord([copyOf(0, [fileList([kept, rewritten])])])
  const blobs = [kept, rewritten].map(one => listed(`indices/INDEX-LOGS/0/${one.name}`, one.bytes))
  const byKey = new Map(blobs.map(blob => [blob.key, blob]))
  const proof = (witness: string): ByteProof => ({ witness, day: 1, result: 'read' })
  const a = proofKeys(record, 0, kept, byKey)
  const b = proofKeys(record, 0, rewritten, byKey)
  const known = new Map([
    [a.key, proof(a.witness ?? '')],
    [b.key, proof('of another object')],
    ['goneaway', proof('whatever')],
  ])
  const { proofs, marks } = await proveBytes(
    record,
    [checkedCopy(0)],
    repositoryOf([snapshotEntry(0)], ['logs']),
    byKey,
    {
      blobs: listedStore(blobs),
      requests: 1,
      budget: { bytesLeft: null, isOver: () => false, wants: () => false },
      known,
      renewAfterMs: 1,
      nowMs,
      onBytes: () => {},
      signal: new AbortController().signal,
    },
  )
  expect([...proofs.keys()]).toEqual([a.key])
  expect(marks.size).toBe(0)
})
