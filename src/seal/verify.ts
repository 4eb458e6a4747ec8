/** Checks a chain of seals with public keys alone, and the files of the runs where they are there. */
import type { BlobReader } from '../blobs/port.ts'
import { judgeChain, type KnownHead, type SealProblem, type TrustedSeal } from './chain.ts'
import type { PublicKeys } from './keys.ts'
import { readChain } from './readChain.ts'
import type { Sha256 } from './record.ts'
import { compareRunFiles } from './runFiles.ts'

export interface VerifyOptions {
  readonly chain: BlobReader
  readonly keys: PublicKeys
  /** Seals that somebody remembers: a cut end is seen by them alone. */
  readonly heads: readonly KnownHead[]
  /** Folder of the runs' folders; null: their files are not compared. */
  readonly runs: BlobReader | null
  /** Of runs that began before, the files may be gone, by age (ISO UTC). Null, absent: of none. */
  readonly keptSince?: string | null
  /** Runs that somebody remembers: one that ended since the first seal and has none is told. */
  readonly known?: readonly KnownRun[]
  readonly signal: AbortSignal
}

export interface KnownRun {
  readonly id: string
  readonly endedAt: string
}

/** What `snapproof seal verify --json` prints. */
export interface Verification {
  readonly schemaVersion: 1
  readonly chain: string
  /** Files at the place of a seal, whatever they hold. */
  readonly seals: number
  /** The last of them. Whoever keeps it elsewhere sees when the end is cut. */
  readonly head: { readonly number: number; readonly hash: Sha256 | null } | null
  /** Was the end compared with what somebody else remembers? */
  readonly headCompared: boolean
  readonly runsCompared: boolean
  /** Runs whose files are gone, as they may be by their age: not compared. */
  readonly runsPurged: number
  readonly problems: readonly SealProblem[]
  readonly notes: readonly string[]
}

/** @throws SnapproofError those of the stores */
export async function verifyChain({
  chain,
  keys,
  heads,
  runs,
  keptSince = null,
  known = [],
  signal,
}: VerifyOptions): Promise<Verification> {
  const { seals, problems: foreign, otherFiles } = await readChain(chain, keys, signal)
  const { problems, notes, good } = judgeChain(seals, heads)
  const ofRuns = runs === null ? { problems: [], purged: 0 } : await compareRunFiles(good, runs, keptSince, signal)
  const last = seals.at(-1)
  return {
    schemaVersion: 1,
    chain: chain.url,
    seals: seals.length,
    head: last === undefined ? null : { number: last.place, hash: last.hash },
    headCompared: heads.length > 0,
    runsCompared: runs !== null,
    runsPurged: ofRuns.purged,
    problems: [...problems, ...foreign, ...ofRuns.problems],
    notes: [
      ...notes,
      ...unsealedNotes(good, known),
      ...(otherFiles === 0 ? [] : [`${otherFiles} other files lie beside the seals`]),
    ],
  }
}

/** A run that could not write its seal said so; a seal that was removed is a hole. So this accuses nobody. */
function unsealedNotes(good: readonly TrustedSeal[], known: readonly KnownRun[]): string[] {
  const [first] = good
  if (first === undefined) return []
  const sealed = new Set(good.map(({ runId }) => runId))
  return known
    .filter(({ id, endedAt }) => endedAt > first.sealedAt && !sealed.has(id))
    .map(({ id, endedAt }) => `run ${id}, which ended at ${endedAt}, has no seal`)
}
