/**
 * Is every object of a folder readable now? What the listing cannot tell is asked by HEAD, once per age, and remembered: archive tiers of
 * Intelligent-Tiering, and the KMS key of a few objects of each folder. Each key is tried by one GET a run.
 */
import type { ListedBlob } from '../model/blob.ts'
import type { CheckOptions } from './check.ts'
import { dayOf, digest, msOfDay } from './memory.ts'
import type { IndexMemory, ShortDigest } from './memoryFormat.ts'
import { type EarlierLook, lookAt, probeKeys, type ReadableState, samplesOf, tieringToLookAt } from './readable.ts'

export type FolderLook = { readonly day: number; readonly kmsKeyId: string | null }

export interface FolderLooks {
  /** Objects that must be read before anybody calls them good. */
  readonly suspects: ReadonlySet<string>
  readonly looks: ReadonlyMap<ShortDigest, FolderLook>
}

/** By KMS key; shared by a run. `unknown`: the object that was tried says nothing of its key, and a few others are. */
export type KeyProbes = Map<string, { readonly state: Promise<ReadableState>; readonly tries: number }>

const triesPerKey = 3

const maxHeads = 100_000
const dayMs = 86_400_000

export async function lookAtFolder(
  listed: ReadonlyMap<string, ListedBlob>,
  before: IndexMemory['looks'],
  probes: KeyProbes,
  { blobs, requests, nowMs, memory, signal }: Pick<CheckOptions, 'blobs' | 'requests' | 'nowMs' | 'memory' | 'signal'>,
): Promise<FolderLooks> {
  // Directories have neither classes nor keys.
  if (blobs.basePath === null) return { suspects: new Set(), looks: new Map() }
  const earlier = (blob: ListedBlob): EarlierLook | null => {
    const look = before.get(nameOf(blob))
    return look === undefined ? null : { atMs: msOfDay(look.day), kmsKeyId: look.kmsKeyId }
  }
  const maxAgeMs = memory?.renewAfterMs ?? 90 * dayMs
  const wanted = new Set([
    ...tieringToLookAt(listed.values(), earlier, { nowMs, maxAgeMs }),
    ...samplesOf(listed.values(), earlier, nowMs),
  ])
  const gather = { blobs, requests, signal }
  const { looks } = await lookAt([...wanted], maxHeads, nowMs, gather)

  const suspects = new Set<string>()
  const kept = new Map<ShortDigest, FolderLook>()
  const underKeys: { readonly key: string; readonly kmsKeyId: string }[] = []
  if (before.size > 0) {
    for (const blob of listed.values()) {
      const name = nameOf(blob)
      const look = before.get(name)
      if (look === undefined) continue
      kept.set(name, look)
      if (look.kmsKeyId !== null) underKeys.push({ key: blob.key, kmsKeyId: look.kmsKeyId })
    }
  }
  for (const { blob, kmsKeyId, readable } of looks) {
    const { state } = readable
    if (state === 'archived' || state === 'restoring' || state === 'unreadable') suspects.add(blob.key)
    // Only what was seen to be good is not asked again.
    else if (state === 'readable' && blob.etag !== null) kept.set(nameOf(blob), { day: dayOf(nowMs), kmsKeyId })
    if (kmsKeyId !== null) underKeys.push({ key: blob.key, kmsKeyId })
  }
  for (const sample of underKeys) {
    if (suspects.size === listed.size) break
    // Which of the others lie under a refused key nobody has asked: each is read before it is called good.
    if (await isRefused(sample, probes, gather)) for (const key of listed.keys()) suspects.add(key)
  }
  return { suspects, looks: kept }
}

async function isRefused(
  sample: { readonly key: string; readonly kmsKeyId: string },
  probes: KeyProbes,
  gather: Parameters<typeof probeKeys>[2],
): Promise<boolean> {
  const { kmsKeyId } = sample
  for (;;) {
    const before = probes.get(kmsKeyId)
    const state = await before?.state
    if (before !== undefined && (state !== 'unknown' || before.tries >= triesPerKey)) return state === 'unreadable'
    // Somebody else may have begun to try again meanwhile.
    if (probes.get(kmsKeyId) !== before) continue
    const probe = probeKeys([sample], 1, gather).then(({ probes: [one] }) => one?.state ?? 'unknown')
    probes.set(kmsKeyId, { state: probe, tries: (before?.tries ?? 0) + 1 })
    return (await probe) === 'unreadable'
  }
}

function nameOf(blob: ListedBlob): ShortDigest {
  return digest([blob.key, blob.etag])
}
