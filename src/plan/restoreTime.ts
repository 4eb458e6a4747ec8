/**
 * How long restores took, and from them how long the newest snapshot would take whole. Pure.
 *
 * Samples are restores into an empty target that passed: a chained one copied only what differed, and says nothing of a whole one.
 * Each sample ran beside others, so the time of all is their sum divided by how many ran at once.
 */
import type { RestoreTime } from '../model/restoreTime.ts'

export interface RestoreTimeInput {
  readonly restores: readonly {
    readonly verdict: string
    /** Absent: an older run, which chained nothing. */
    readonly method?: 'restore' | 'chained'
    /** Absent: the mirror. */
    readonly source?: 'mirror' | 's3'
    readonly engine: string
    readonly bytes: number
    readonly seconds: { readonly mirror: number; readonly restore: number; readonly questions: number }
  }[]
  /** The newest snapshot that is complete; null: there is none. */
  readonly newest: { readonly name: string; readonly indices: number; readonly bytes: number } | null
  /** Contents restored at once. */
  readonly parallel: number
  /** What the restore of a whole snapshot may take; null: nobody said. */
  readonly targetSeconds: number | null
}

/** Fewer say too little about the others. */
const fewestForRange = 5
/** Below, most of the time is not for bytes. */
const smallBytes = 64 * 2 ** 20

/** Null: nothing was restored whole in this run. */
export function restoreTimeOf({ restores, newest, parallel, targetSeconds }: RestoreTimeInput): RestoreTime | null {
  const passed = restores.filter(({ verdict, bytes }) => verdict === 'pass' && bytes > 0)
  const samples = passed.filter(({ method = 'restore' }) => method === 'restore')
  if (samples.length === 0) return null
  const bytes = sum(samples.map(one => one.bytes))
  const phase = (name: 'mirror' | 'restore' | 'questions', ofBytes: boolean) => {
    const seconds = sum(samples.map(one => one.seconds[name]))
    return { seconds, bytesPerSecond: ofBytes && seconds > 0 ? bytes / seconds : null }
  }
  const fetched = samples.some(({ source = 'mirror' }) => source === 'mirror')
  return {
    samples: samples.length,
    chained: passed.length - samples.length,
    bytes,
    targetSeconds,
    phases: {
      fetch: fetched ? phase('mirror', true) : null,
      restore: phase('restore', true),
      questions: phase('questions', false),
    },
    projection: newest === null || newest.bytes === 0 ? null : project(samples, newest, parallel),
  }
}

type Sample = RestoreTimeInput['restores'][number]

function project(
  samples: readonly Sample[],
  newest: NonNullable<RestoreTimeInput['newest']>,
  parallel: number,
): NonNullable<RestoreTime['projection']> {
  const bytes = sum(samples.map(one => one.bytes))
  const atOnce = Math.max(1, Math.min(parallel, newest.indices))
  const secondsAt = (secondsPerByte: number) => (newest.bytes * secondsPerByte) / atOnce
  const typical = secondsAt(sum(samples.map(({ seconds }) => seconds.restore)) / bytes)
  const paces = samples.map(one => one.seconds.restore / one.bytes).sort((a, b) => a - b)
  const enough = samples.length >= fewestForRange
  const engines = [...new Set(samples.map(({ engine }) => engine))].join(', ')
  const viaStore = samples.some(({ source }) => source === 's3')
  return {
    snapshot: newest.name,
    indices: newest.indices,
    bytes: newest.bytes,
    seconds: typical,
    // A tenth of the samples was faster than the one, a tenth slower than the other.
    fastest: enough ? Math.min(typical, secondsAt(quantile(paces, 0.1))) : null,
    slowest: enough ? Math.max(typical, secondsAt(quantile(paces, 0.9))) : null,
    parallel: atOnce,
    assumptions: [
      `One throwaway server (${engines}) restores ${atOnce} indices at once, without replicas and without a limit on recovery; a cluster has more nodes, a default limit of 40 MB/s on each, and copies replicas after it.`,
      viaStore
        ? 'The server read the store itself.'
        : 'The server read a copy on its own disk; reading the store takes its time as well, see “fetch”.',
      ...(enough ? [] : [`Only ${samples.length} of the restores of this run were whole, so no range can be given.`]),
      ...(bytes / samples.length < smallBytes
        ? [
            'The restored indices were small: most of their time is not for bytes, so large ones will be faster for each byte.',
          ]
        : []),
    ],
  }
}

/** Of a sorted list that is not empty. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
