/** What a check keeps of the indices that it went through: a few marks for each snapshot, and every copy where that is asked for. */
import type { SnapshotInfo } from '../model/content.ts'
import type { Finding } from '../model/finding.ts'
import type { CheckOptions } from './check.ts'
import type { CheckedIndexWork } from './indexWork.ts'
import type { CheckedContent, CheckedCopy, ClassMix, NewestGood } from './result.ts'
import { RollUps } from './snapshotMarks.ts'

/** Takes in one index after the other, in any order, and gives everything out in the order of the catalogue. */
export class Tally {
  readonly rollUps = new RollUps()
  /** By index name: positions of the newest snapshots that pass, for each level. */
  readonly newest = new Map<string, Map<'catalogue' | 'presence' | 'bytes', NewestGood>>()
  /** By index id, where not everything is STANDARD. */
  readonly classes = new Map<string, ClassMix>()
  shards = 0
  readonly #options: CheckOptions
  readonly #findings: { readonly position: number; readonly findings: readonly Finding[] }[] = []
  readonly #contents: { readonly position: number; readonly contents: readonly CheckedContent[] }[] = []
  readonly #copies = new Map<number, CheckedCopy[]>()

  readonly #endedMs: readonly number[]

  /** `infos`: of the root blobs, which say when a snapshot ended where `index-N` does not (before 7.14, and on OpenSearch). */
  constructor(options: CheckOptions, infos: readonly (SnapshotInfo | null)[]) {
    this.#options = options
    this.#endedMs = options.catalogue.repositoryData.snapshots.map(
      ({ endedMs }, position) => endedMs ?? infos[position]?.endedMs ?? 0,
    )
  }

  add(position: number, { copies, contents, findings, shards, classes }: CheckedIndexWork): void {
    this.shards += shards
    if (findings.length > 0) this.#findings.push({ position, findings })
    const { repositoryData } = this.#options.catalogue
    const id = repositoryData.indices[position]?.id
    if (classes !== null && id !== undefined) this.classes.set(id, classes)
    for (const copy of copies) {
      this.rollUps.add(copy)
      this.#note(copy)
    }
    if (this.#options.collect === 'summary') return
    this.#contents.push({ position, contents })
    for (const copy of copies) {
      const known = this.#copies.get(copy.snapshot)
      if (known === undefined) this.#copies.set(copy.snapshot, [copy])
      else known.push(copy)
    }
  }

  #note(copy: CheckedCopy): void {
    const levels = this.newest.get(copy.indexName) ?? new Map()
    this.newest.set(copy.indexName, levels)
    const marks = [
      ['catalogue', copy.catalogue],
      ['presence', copy.presence],
      ['bytes', copy.byteProof ?? copy.presence],
    ] as const
    for (const [level, mark] of marks) {
      if (mark.verdict !== 'pass') continue
      const before = levels.get(level)
      const endedMs = (position: number) => this.#endedMs[position] ?? 0
      const newer =
        before === undefined ||
        endedMs(copy.snapshot) > endedMs(before.position) ||
        (endedMs(copy.snapshot) === endedMs(before.position) && copy.snapshot > before.position)
      if (newer) levels.set(level, { position: copy.snapshot, mark })
    }
  }

  findings(): Finding[] {
    return this.#findings.sort((a, b) => a.position - b.position).flatMap(({ findings }) => findings)
  }

  contents(): CheckedContent[] {
    return this.#contents.sort((a, b) => a.position - b.position).flatMap(({ contents }) => contents)
  }

  copies(snapshot: number): CheckedCopy[] {
    return (this.#copies.get(snapshot) ?? []).sort((a, b) => a.index - b.index)
  }
}
