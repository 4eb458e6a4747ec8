/**
 * Which contents of a group are restored one over the other: a server that restores over a closed index keeps the files that are the same
 * and copies the rest. Pure.
 *
 * Order:   newest first. Never worse than oldest first; on OpenSearch better, because one delete makes it copy a segment again.
 * Breaks:  before a content that shares too little with the one before it (restoring into an empty target costs the same), and
 *          where the number of shards changes (a server refuses that). A group has one engine.
 * Alone:   what is small (files are quick to copy, closing takes its time), and what failed before: only a restore into an
 *          empty target cures it.
 * So the head of each chain is an ordinary restore into an empty target, and every night with a chain has a restore-time sample.
 *
 * Measured on 9.5.3 and OpenSearch 3.3: what is kept is never more than predicted here.
 */
import type { AuditConfig } from '../model/config.ts'
import type { DebtKind } from '../model/plan.ts'
import { majorOf } from './compatibility.ts'

/** What decides whether a server keeps a file. */
export interface ChainFile {
  /** Lucene's name. */
  readonly name: string
  readonly bytes: number
  /** Null: never the same. */
  readonly checksum: number | null
}

export interface ChainCandidate {
  /** Of the snapshot that it is restored from; newer is greater. */
  readonly order: number
  readonly kind: DebtKind
  /** Bytes on the restored disk. */
  readonly bytes: number
  /** Files of each shard; a shared array is the same shard copy. */
  readonly shards: readonly (readonly ChainFile[])[]
}

export interface ChainTerms {
  /** Contents below are restored alone; null: all are. */
  readonly fromBytes: number | null
  readonly product: 'elasticsearch' | 'opensearch'
  readonly major: number
}

/** @param name of an engine of the configuration */
export function chainTermsOf(name: string, { engines, work }: Pick<AuditConfig, 'engines' | 'work'>): ChainTerms {
  const engine = engines.find(one => one.name === name)
  const { product = 'elasticsearch', version = '0' } = engine ?? {}
  return { fromBytes: work.chainFrom, product, major: majorOf(version) }
}

export interface PlannedLink {
  /** Position in the list of candidates. */
  readonly content: number
  /** What the server is expected to keep of the content before it; 0 for the head of a chain. */
  readonly keptBytes: number
}

/** A link that saves less than this part of its bytes is none. */
const leastSaving = 0.1

/** Every candidate is in exactly one chain; what is alone is a chain of one. In the order of the candidates by their first. */
export function planChains(candidates: readonly ChainCandidate[], terms: ChainTerms): PlannedLink[][] {
  const alone: PlannedLink[][] = []
  const chained: number[] = []
  for (const [content, { bytes, kind }] of candidates.entries()) {
    if (terms.fromBytes !== null && bytes >= terms.fromBytes && kind !== 'failed') chained.push(content)
    else alone.push([{ content, keptBytes: 0 }])
  }
  chained.sort((a, b) => (candidates[b]?.order ?? 0) - (candidates[a]?.order ?? 0) || a - b)
  const chains: PlannedLink[][] = []
  let before: ChainCandidate | null = null
  for (const content of chained) {
    const candidate = candidates[content]
    if (candidate === undefined) continue
    const keptBytes = before === null ? 0 : keptOf(before, candidate, terms)
    const open = chains.at(-1)
    if (open !== undefined && keptBytes > candidate.bytes * leastSaving) open.push({ content, keptBytes })
    else chains.push([{ content, keptBytes: 0 }])
    before = candidate
  }
  return [...alone, ...chains].sort((a, b) => firstOf(a) - firstOf(b))
}

function firstOf(chain: readonly PlannedLink[]): number {
  return Math.min(...chain.map(({ content }) => content))
}

/** Bytes that a server keeps of `before` when it restores `next` over it; 0 where it would refuse. */
export function keptOf(
  before: ChainCandidate,
  next: ChainCandidate,
  terms: Pick<ChainTerms, 'product' | 'major'>,
): number {
  if (before.shards.length !== next.shards.length) return 0
  return next.shards.reduce((sum, files, shard) => sum + keptOfShard(before.shards[shard] ?? [], files, terms), 0)
}

/**
 * The files of a segment are kept together or not at all, and those of a commit too. From 8 on a later generation of a
 * segment's file (deletes, updated values) is looked at by itself.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/index/store/Store.java (recoveryDiff) @ 9.5.3;
 * opensearch-project/OpenSearch: server/src/main/java/org/opensearch/index/store/Store.java (recoveryDiff) @ 3.3.0.
 */
function keptOfShard(
  before: readonly ChainFile[],
  next: readonly ChainFile[],
  { product, major }: Pick<ChainTerms, 'product' | 'major'>,
): number {
  const there = new Map(before.map(file => [file.name, file]))
  const generationsApart = product === 'elasticsearch' && major >= 8
  const groups = new Map<string, { bytes: number; same: boolean }>()
  for (const file of next) {
    const key = groupOf(file.name, generationsApart)
    const group = groups.get(key) ?? { bytes: 0, same: true }
    const other = there.get(file.name)
    group.bytes += file.bytes
    group.same &&= other !== undefined && isSame(other, file)
    groups.set(key, group)
  }
  return [...groups.values()].reduce((sum, { bytes, same }) => sum + (same ? bytes : 0), 0)
}

function isSame(a: ChainFile, b: ChainFile): boolean {
  return a.bytes === b.bytes && a.checksum !== null && a.checksum === b.checksum
}

/** `_0.cfs` and `_0_Lucene90_0.dvd` are of segment `_0`; `_0_1.fnm` and `_0_1_Lucene90_0.dvd` are its first generation. */
function groupOf(name: string, generationsApart: boolean): string {
  if (name.startsWith('segments') || (!generationsApart && name.endsWith('.liv'))) return 'commit'
  const [stem = ''] = name.split('.')
  const parts = stem.slice(1).split('_')
  const isGeneration = parts.length === 2 || parts.length === 4
  return generationsApart && isGeneration ? name : (parts[0] ?? '')
}
