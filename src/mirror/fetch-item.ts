/**
 * One item, fetched and judged: a bad one is fetched again before anybody is accused.
 *
 * Twice the same bad bytes: the repository's fault. Different bytes: nobody knows, `unstable-read`. A store that does not
 * answer is our trouble; its driver has already retried.
 */
import { isSnapproofError } from '../errors.ts'
import type { Fault } from '../model/content.ts'
import type { FindingCode } from '../model/finding.ts'
import type { Reason } from '../model/verdict.ts'
import { type Defect, defectOf, type Reading, sameReadings } from './checks.ts'
import type { Download } from './download.ts'
import { blobKind, pathOf } from './names.ts'
import type { MirrorItem } from './port.ts'

type Part = MirrorItem['parts'][number]
const storeErrors = ['not-found', 'archived', 'access-denied', 'unavailable', 'changed'] as const
type StoreError = (typeof storeErrors)[number]

/** What is wrong, not yet said in the words of a finding. */
export interface Problem {
  readonly key: string
  readonly what: StoreError | Defect['kind'] | 'unstable' | 'not-asked'
  readonly message: string
}

export interface Attempt {
  /** In the order of parts, up to the first that failed; `file` is null for what lay in the mirror already. */
  readonly downloads: readonly Download[]
  /** Null: the item is good. */
  readonly problem: Problem | null
  readonly repeated: boolean
}

export interface ItemAccess {
  /** The reading of a part that lies in the mirror. */
  have(key: string): Reading | null
  /** Reads one from the store into a new file. */
  read(part: Part): Promise<Download>
  /** Removes the files of an attempt. */
  discard(downloads: readonly Download[]): Promise<void>
}

/**
 * The caller owns the files of the attempt that is returned. Throws what is not about this item: a full disk, a missing
 * bucket, an abort; then nothing is left.
 */
export async function tryTwice(item: MirrorItem, access: ItemAccess): Promise<Attempt> {
  const first = await tryOnce(item, access, true)
  if (first.problem === null || !worthRepeating(first.problem)) return { ...first, repeated: false }
  await access.discard(first.downloads)
  const second = await tryOnce(item, access, false)
  if (second.problem === null) return { ...second, repeated: true }
  return { downloads: second.downloads, problem: settle(first, second, second.problem), repeated: true }
}

type SingleAttempt = Pick<Attempt, 'downloads' | 'problem'>

async function tryOnce(item: MirrorItem, access: ItemAccess, useLocal: boolean): Promise<SingleAttempt> {
  const downloads: Download[] = []
  for (const part of item.parts) {
    const present = useLocal ? access.have(part.key) : null
    if (present !== null) {
      downloads.push({ reading: present, file: null })
      continue
    }
    try {
      const got = await access.read(part)
      downloads.push(got)
      if (got.file === null) {
        const message = `${part.key} has ${got.reading.bytes} bytes, ${part.bytes} are expected`
        return { downloads, problem: { key: part.key, what: 'length', message } }
      }
    } catch (error) {
      const what = storeErrors.find(code => isSnapproofError(error, code))
      if (what === undefined) {
        await access.discard(downloads)
        throw error
      }
      return { downloads, problem: { key: part.key, what, message: error instanceof Error ? error.message : '' } }
    }
  }
  const defect = defectOf(
    item,
    downloads.map(d => d.reading),
  )
  return {
    downloads,
    problem: defect === null ? null : { key: defect.key, what: defect.kind, message: defect.message },
  }
}

/** What the store will say again, or has been asked often enough, is not repeated. */
function worthRepeating(problem: Problem): boolean {
  return problem.what !== 'unavailable' && problem.what !== 'archived' && problem.what !== 'access-denied'
}

function settle(first: SingleAttempt, second: SingleAttempt, problem: Problem): Problem {
  if (!worthRepeating(problem)) return problem
  const same =
    first.problem?.what === problem.what &&
    first.problem.key === problem.key &&
    problem.what !== 'changed' &&
    sameReadings(
      first.downloads.map(d => d.reading),
      second.downloads.map(d => d.reading),
    )
  if (same) return { ...problem, message: `${problem.message}; the same when read again` }
  const message = `two reads differ: ${first.problem?.message ?? ''}; then: ${problem.message}`
  return { key: problem.key, what: 'unstable', message }
}

/** The problem in the words of a finding; `ours` where the repository is not to blame. */
export function faultOf(item: MirrorItem, problem: Problem): Fault {
  const part = item.parts.find(({ key }) => key === problem.key)
  const data = part !== undefined && blobKind(pathOf(part)) === 'data'
  return {
    code: codeOf(problem.what, data),
    ours: oursOf(problem.what),
    key: problem.key,
    offset: null,
    snapshots: item.snapshots,
    index: item.index,
    shard: item.shard,
    message: problem.message,
  }
}

function codeOf(what: Problem['what'], data: boolean): FindingCode {
  switch (what) {
    case 'not-found':
      return data ? 'missing-data-blob' : 'missing-metadata-blob'
    case 'length':
      return data ? 'wrong-length' : 'corrupt-metadata-blob'
    case 'bytes':
    case 'unstable':
    case 'changed':
      return data ? 'corrupt-data-blob' : 'corrupt-metadata-blob'
    case 'archived':
      return 'archived-blob'
    case 'access-denied':
    case 'unavailable':
    case 'not-asked':
      return 'unreadable-blob'
  }
}

function oursOf(what: Problem['what']): Reason | null {
  if (what === 'unstable' || what === 'changed') return 'unstable-read'
  return what === 'unavailable' || what === 'not-asked' ? 'store-unavailable' : null
}

/** A key that would not be safe as a path; it is in the metadata's own bytes, so these are what is wrong. */
export function unsafeKeyFault(item: MirrorItem, key: string): Fault {
  return {
    code: 'corrupt-metadata-blob',
    ours: null,
    key: null,
    offset: null,
    snapshots: item.snapshots,
    index: item.index,
    shard: item.shard,
    message: `the metadata names a blob with a key that no repository has: ${JSON.stringify(key).slice(0, 300)}`,
  }
}
