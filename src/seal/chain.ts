/** What is wrong with a chain of seals. Pure: it is given what was read, and says what it means. */
import type { Sha256 } from './record.ts'

export type SealProblemKind =
  /** A number that is not there, or a sealed file of a run. */
  | 'missing'
  /** Its bytes are not those that were signed, or not those that the next seal or a known head names. */
  | 'altered'
  /** It holds the seal of another number. */
  | 'out-of-order'
  /** It holds a number that stands at its own place too. */
  | 'doubled'
  /** A known head lies behind the end. */
  | 'cut'
  /** Signed, if at all, with a key that was not given. */
  | 'unknown-key'
  /** A layout that this version does not know. */
  | 'newer-layout'
  /** A file that is called almost like a seal. */
  | 'foreign-file'

export interface SealProblem {
  readonly kind: SealProblemKind
  /** Of the first seal that it is about; null: of none. */
  readonly number: number | null
  /** Last number, where it is about a row of seals. */
  readonly to: number | null
  readonly message: string
}

/** A file at the place of a seal. */
export interface PlacedSeal {
  /** Number in its name. */
  readonly place: number
  /** Of its bytes; null: there were too many to read. */
  readonly hash: Sha256 | null
  /** What it says; null: it is no seal, or not signed by a key that was given. */
  readonly trusted: TrustedSeal | null
  /** Where nothing is trusted: what it is, and why. */
  readonly trouble: {
    readonly kind: 'altered' | 'unknown-key' | 'newer-layout'
    readonly why: string
  } | null
}

export interface TrustedSeal {
  readonly number: number
  readonly previous: Sha256 | null
  readonly sealedAt: string
  readonly runId: string
  /** Of the run. */
  readonly startedAt: string
  readonly runJson: Sha256
  readonly reportHtml: Sha256
}

/** A seal that somebody remembers outside the chain. */
export interface KnownHead {
  /** Null: only its hash is known. */
  readonly number: number | null
  readonly hash: Sha256
  /** Who says so, for messages. */
  readonly from: string
}

export interface JudgedChain {
  readonly problems: readonly SealProblem[]
  /** True sentences that are nothing wrong by themselves. */
  readonly notes: readonly string[]
  /** Seals that stand at their place and are signed, ascending. */
  readonly good: readonly TrustedSeal[]
}

/** `seals`: by ascending place. One fault gives one problem, at the seal where it lies. */
export function judgeChain(seals: readonly PlacedSeal[], heads: readonly KnownHead[]): JudgedChain {
  const byPlace = new Map(seals.map(seal => [seal.place, seal]))
  const problems = new Map<number, SealProblem>()
  const accuse = (place: number, kind: SealProblemKind, message: string, to: number | null = null) => {
    if (!problems.has(place)) problems.set(place, { kind, number: place, to, message })
  }
  if (seals.length === 0) return { problems: [nothingAtAll, ...headProblems(heads)], notes: [], good: [] }
  for (const [from, to] of gaps(seals)) {
    accuse(from, 'missing', `${sealWords(from, to)} ${from === to ? 'is' : 'are'} not there`, to)
  }
  for (const { place, trusted, trouble } of seals) {
    if (trouble !== null) accuse(place, trouble.kind, `seal ${place}: ${trouble.why}`)
    if (trusted === null || trusted.number === place) continue
    const own = byPlace.get(trusted.number)?.trusted
    const both = own?.number === trusted.number
    accuse(
      place,
      both ? 'doubled' : 'out-of-order',
      `the file of seal ${place} holds seal ${trusted.number}${both ? ', which stands at its own place too' : ''}`,
    )
  }
  const good = seals.flatMap(({ place, trusted }) => (trusted?.number === place ? [trusted] : []))
  for (const { number, previous } of good) {
    const before = byPlace.get(number - 1)
    if (before !== undefined && before.hash !== previous) {
      accuse(number - 1, 'altered', `seal ${number - 1} is not the one that seal ${number} follows`)
    }
  }
  const unplaced: SealProblem[] = []
  for (const head of heads) judgeHead(head, seals, byPlace, accuse, unplaced)
  const ordered = [...problems.values()].sort((a, b) => (a.number ?? 0) - (b.number ?? 0))
  return { problems: [...ordered, ...unplaced], notes: notesOf(good), good }
}

const nothingAtAll: SealProblem = { kind: 'missing', number: 1, to: null, message: 'there is no seal at all' }

function headProblems(heads: readonly KnownHead[]): SealProblem[] {
  return heads.map(({ number, hash, from }) => ({
    kind: 'cut',
    number: 1,
    to: number,
    message: `${from} knows ${number === null ? 'a seal' : `seal ${number}`} with the hash ${hash}`,
  }))
}

/** Rows of numbers that are not there, from 1 on. */
function gaps(seals: readonly PlacedSeal[]): [number, number][] {
  const found: [number, number][] = []
  let expected = 1
  for (const { place } of seals) {
    if (place > expected) found.push([expected, place - 1])
    expected = place + 1
  }
  return found
}

function judgeHead(
  { number, hash, from }: KnownHead,
  seals: readonly PlacedSeal[],
  byPlace: ReadonlyMap<number, PlacedSeal>,
  accuse: (place: number, kind: SealProblemKind, message: string, to?: number | null) => void,
  unplaced: SealProblem[],
): void {
  const last = seals.at(-1)?.place ?? 0
  if (number === null) {
    if (seals.some(seal => seal.hash === hash)) return
    const message = `no seal has the hash ${hash}, which ${from} knows: the end of the chain was cut, or that seal altered`
    unplaced.push({ kind: 'cut', number: null, to: null, message })
  } else if (number > last) {
    const message = `the chain ends with seal ${last}; ${from} knows seal ${number}: ${sealWords(last + 1, number)} cut off`
    unplaced.push({ kind: 'cut', number: last + 1, to: number, message })
  } else if (byPlace.has(number) && byPlace.get(number)?.hash !== hash) {
    accuse(number, 'altered', `seal ${number} is not the one that ${from} knows, whose hash is ${hash}`)
  }
}

/** Clocks of two machines differ: times alone accuse nobody. */
function notesOf(good: readonly TrustedSeal[]): string[] {
  const notes: string[] = []
  const sealed = new Map<string, number>()
  for (const [i, { number, sealedAt, runId }] of good.entries()) {
    const before = good[i - 1]
    if (before !== undefined && sealedAt < before.sealedAt)
      notes.push(`seal ${number} is dated ${sealedAt}, before seal ${before.number} (${before.sealedAt})`)
    const earlier = sealed.get(runId)
    if (earlier !== undefined) notes.push(`seal ${number} replaces seal ${earlier}: both are of run ${runId}`)
    sealed.set(runId, number)
  }
  return notes
}

export function sealWords(from: number, to: number): string {
  return from === to ? `seal ${from}` : `seals ${from} to ${to}`
}
