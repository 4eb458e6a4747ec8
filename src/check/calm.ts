/** Indices in which nothing was wrong: their judgement as a value, and back. Pure. */
import type { IndexEntry } from '../model/repository.ts'
import { type ByteBudget, isWanted } from './bytes.ts'
import type { CheckOptions } from './check.ts'
import { type CheckedIndex, markOf } from './checkIndex.ts'
import type { CheckedIndexWork } from './indexWork.ts'
import { type Calm, type IndexMemory, isDue } from './memory.ts'
import type { CalmContent } from './memoryFormat.ts'
import type { CheckedContent, CheckedCopy, Mark } from './result.ts'

/** The judgement of an earlier night, whose every ground is as it was. Null: bytes are asked for that it does not have. */
export function asBefore(
  index: number,
  entry: IndexEntry,
  { readMs }: IndexMemory,
  calm: Calm,
  options: CheckOptions,
): Omit<CheckedIndexWork, 'classes'> | null {
  const { bytes } = options
  if (calm.copies.length !== entry.snapshots.length) return null
  const holders = calm.contents.map((): number[] => [])
  const copies: CheckedCopy[] = []
  for (const [i, kept] of calm.copies.entries()) {
    const snapshot = entry.snapshots[i] ?? 0
    const content = kept.content === null ? undefined : calm.contents[kept.content]
    if (kept.content !== null) holders[kept.content]?.push(snapshot)
    const copy: CheckedCopy = {
      snapshot,
      index,
      indexName: entry.name,
      indexId: entry.id,
      bytes: kept.bytes,
      contentId: content?.contentId ?? null,
      obstacle: kept.obstacle,
      ...(content?.system === true ? { system: true } : {}),
      catalogue: dated(markOf(kept.catalogue), readMs),
      presence: markOf(kept.presence),
    }
    const byteProof = bytes === undefined ? undefined : calmByteMark(copy, content, bytes, options)
    if (byteProof === null) return null
    copies.push(byteProof === undefined ? copy : { ...copy, byteProof })
  }
  const contents = calm.contents.map(
    ({ bytesProvenMs: _, bytesMethod: __, ...content }, i): CheckedContent => ({
      ...content,
      indexName: entry.name,
      indexId: entry.id,
      snapshots: holders[i] ?? [],
    }),
  )
  return { copies, contents, findings: [], shards: calm.shards, unreferenced: [] }
}

/** Undefined: it is not asked for. Null: it is, and there is no proof that is young enough. */
function calmByteMark(
  copy: CheckedCopy,
  content: CalmContent | undefined,
  bytes: ByteBudget,
  { memory, nowMs }: CheckOptions,
): Mark | null | undefined {
  if (copy.presence.verdict !== 'pass') return copy.presence
  if (!isWanted(copy, bytes)) return undefined
  const { bytesProvenMs: provenMs = null, bytesMethod: method = null } = content ?? {}
  if (provenMs === null || method === null || memory === undefined) return null
  return isDue(copy.indexId, provenMs, nowMs, memory.renewAfterMs)
    ? null
    : { ...markOf('remembered'), provenMs, method }
}

/** How the index was judged, to be judged the same while nothing of what was looked at changes. */
export function calmOf(view: string, copies: readonly CheckedCopy[], checked: CheckedIndex, before: IndexMemory): Calm {
  const numberOf = new Map(checked.contents.flatMap((content, i) => content.snapshots.map(snapshot => [snapshot, i])))
  const markOfContent = new Map(copies.map(copy => [copy.contentId, copy.byteProof]))
  // A look that asked for less does not forget what is proven: the view covers every object that the proofs rest on.
  const kept = new Map(before.calm?.view === view ? before.calm.contents.map(one => [one.contentId, one]) : [])
  return {
    view,
    copies: copies.map(copy => ({
      catalogue: copy.catalogue.verdict === 'pass' ? 'proven' : copy.catalogue.reason,
      presence: copy.presence.reason,
      obstacle: copy.obstacle,
      bytes: copy.bytes,
      content: numberOf.get(copy.snapshot) ?? null,
    })),
    contents: checked.contents.map(content => {
      const { contentId, shardCount, createdVersion, bytes, files, obstacle, system, witness } = content
      const mark = markOfContent.get(contentId)
      const proven = mark?.verdict === 'pass' ? mark : undefined
      const bytesProvenMs = proven?.provenMs ?? kept.get(contentId)?.bytesProvenMs ?? null
      const bytesMethod = proven?.method ?? kept.get(contentId)?.bytesMethod ?? null
      const of = system === true ? { system } : {}
      return {
        ...{ contentId, shardCount, createdVersion, bytes, files, obstacle, ...of, witness },
        ...{ bytesProvenMs, bytesMethod },
      }
    }),
    shards: checked.shards,
  }
}

/** A pass that rests on what was not read this time says when it was. */
export function dated(mark: Mark, provenMs: number): Mark {
  return mark.verdict === 'pass' ? { ...markOf('remembered'), provenMs } : mark
}
