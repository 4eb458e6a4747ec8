/** What a restore of each distinct content of the built-in repository reads and must yield, by the functions that a group is loaded with. */
import type { MirrorItem } from '../../mirror/port.ts'
import type { IndexRecord } from '../../model/content.ts'
import type { Evidence, Expectation } from '../../model/evidence.ts'
import type { ContentRecord, PlannedContent } from '../../model/plan.ts'
import { contentItems, expectationOf, ownersOf } from '../expectation.ts'
import type { Ground } from './ground.ts'

export interface Restorable {
  readonly content: ContentRecord
  readonly planned: PlannedContent
  readonly record: IndexRecord
  readonly items: readonly MirrorItem[]
  readonly expected: Expectation
  /** What a real server answered after restoring it. */
  readonly evidence: Evidence
}

export async function restorables({ catalogue, contents, evidence, signal }: Ground): Promise<Restorable[]> {
  const { repositoryData } = catalogue
  const found: Restorable[] = []
  for (const content of contents) {
    const index = repositoryData.indices.findIndex(({ id }) => id === content.indexId)
    const record = await catalogue.readIndex(index, undefined, signal)
    const answers = evidence.find(one => one.contentId === content.contentId)
    const snapshot = repositoryData.snapshots.findIndex(({ uuid }) => uuid === answers?.snapshotUuid)
    const entry = repositoryData.snapshots[snapshot]
    const copy = record.copies.find(one => one.snapshot === snapshot)
    if (answers === undefined || entry === undefined || copy === undefined)
      throw new Error(`there is no evidence of the content ${content.contentId} of ${content.indexName}`)
    found.push({
      content,
      planned: { content, kind: 'never', snapshot },
      record,
      items: contentItems(record, copy, repositoryData, ownersOf(record, repositoryData)),
      expected: expectationOf(record, copy, entry),
      evidence: answers,
    })
  }
  if (found.length !== evidence.length) throw new Error(`${found.length} contents, evidence of ${evidence.length}`)
  return found
}
