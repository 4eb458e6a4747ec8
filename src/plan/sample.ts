/**
 * A random draw of contents, and what may be said of all of them from it. Pure: the seed is a parameter.
 *
 * The draw is uniform over the contents that can be restored, without replacement, and never by risk, size or age. Of N contents of which D
 * are bad, a draw of n finds x bad ones with the hypergeometric probability; what is said is what that leaves possible, exactly, for the
 * finite N, and not an approximation for large ones.
 *
 * - What was found bad is bad, and at most so many more are as the draw leaves possible.
 * - What was drawn and not judged may be bad: it counts as bad for the upper end.
 * - Limits cut the draw in its order. Where all that is left of it was judged and good, what was cut needs no bad luck to be left out: that
 *   the first k of a random order are all good is as unlikely whatever ended the order at k. Else what was cut counts as not judged.
 */
import { createHash } from 'node:crypto'
import type { ContentRecord } from '../model/plan.ts'
import type { SampleOfRun, Statement } from '../model/sample.ts'

/** The contents in the order of the draw; the same seed and contents give the same order, in whatever order they come. */
export function drawOrder(contents: readonly ContentRecord[], seed: string): ContentRecord[] {
  return contents
    .map(content => ({ content, rank: rankOf(content, seed) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ content }) => content)
}

/** Without shared credit one content stands once for each of its snapshots. */
function rankOf({ indexId, contentId, snapshots }: ContentRecord, seed: string): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, indexId, contentId, snapshots[0] ?? -1]))
    .digest('hex')
}

export interface Sampled {
  readonly population: number
  /** Drawn; `passed + failed + open + cut`. */
  readonly passed: number
  readonly failed: number
  /** In the part of the draw that the limits left, and not judged. */
  readonly open: number
  /** The end of the draw that the limits cut off. */
  readonly cut: number
  /** Percent. */
  readonly confidence: number
}

/** Null: nothing was judged, or nothing can be excluded. */
export function stateFrom(sampled: Sampled): Statement | null {
  const { population, passed, failed, open, cut, confidence } = sampled
  if (passed + failed === 0) return null
  const alpha = 1 - confidence / 100
  const clean = failed + open === 0
  const drawn = passed + failed + open + (clean ? 0 : cut)
  const maybeBad = failed + open + (clean ? 0 : cut)
  const atMost = mostBad(population, drawn, maybeBad, alpha)
  // What was found is certain. A lower end that is only likely would have to share the doubt with the upper one.
  return atMost >= population && failed === 0 ? null : { atLeast: failed, atMost }
}

/** Largest number of bad ones with which so few are found in more than `tail` of all draws. */
function mostBad(population: number, drawn: number, found: number, tail: number): number {
  let [possible, impossible] = [found, population - (drawn - found) + 1]
  while (impossible - possible > 1) {
    const middle = Math.floor((possible + impossible) / 2)
    // Rounding may only weaken what is said.
    if (atMostFound(population, middle, drawn, found) > tail * (1 - 1e-9)) possible = middle
    else impossible = middle
  }
  return possible
}

/** Probability that a draw holds at most `found` of `bad` ones. */
export function atMostFound(population: number, bad: number, drawn: number, found: number): number {
  const least = Math.max(0, drawn - (population - bad))
  const most = Math.min(drawn, bad)
  if (found < least) return 0
  if (found >= most) return 1
  let sum = 0
  for (let k = least; k <= found; k++) sum += Math.exp(logOfTerm(population, bad, drawn, k))
  return Math.min(1, sum)
}

function logOfTerm(population: number, bad: number, drawn: number, k: number): number {
  return logChoose(bad, k) + logChoose(population - bad, drawn - k) - logChoose(population, drawn)
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

const factorials: number[] = [0]

/** Exact sums for small numbers, Stirling's series with an error below 1e-12 for others. */
function logFactorial(n: number): number {
  if (n > 256) {
    const series = 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5)
    return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + series
  }
  for (let i = factorials.length; i <= n; i++) factorials.push((factorials[i - 1] ?? 0) + Math.log(i))
  return factorials[n] ?? 0
}

/** The statement in words, or why there is none. */
export function sentenceOf(sampled: Sampled, statement: Statement | null): string {
  const { population, passed, failed, open, cut, confidence } = sampled
  const all = `${number(population)} contents that can be restored`
  const doubts = [
    ...(open > 0 ? [`${number(open)} drawn and not judged may be bad`] : []),
    ...(cut > 0 ? [`the limits of the run cut ${number(cut)} off the end of the draw`] : []),
  ]
  const why = doubts.length === 0 ? '' : ` (${doubts.join('; ')})`
  if (population === 0) return 'There is no content that can be restored, so nothing was drawn.'
  if (statement === null) return `The draw supports no statement about the ${all}${why}: ${number(passed)} were good.`
  const { atLeast, atMost } = statement
  const sure = `${confidence} % sure, from a random draw:`
  if (passed === population) return `All ${all} were drawn and are good.`
  if (failed === 0)
    return atMost === 0
      ? `${sure} none of the ${all} is bad${why}.`
      : `${sure} at most ${number(atMost)} of the ${all} ${atMost === 1 ? 'is' : 'are'} bad, that is ${percent(atMost / population)} %${why}.`
  return `${sure} ${number(atLeast)} to ${number(atMost)} of the ${all} are bad, that is ${percent(atLeast / population)} to ${percent(atMost / population)} %${why}.`
}

/** Rounded up, so that no more is promised than holds. */
function percent(part: number): string {
  const value = part * 100
  const digits = value >= 10 ? 0 : value >= 1 ? 1 : 2
  const scale = 10 ** digits
  return (Math.ceil(value * scale - 1e-9) / scale).toFixed(digits)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** `results`: of the contents that were planned, in the order of the draw; `cut`: how many more were drawn. */
export function concludeSample(
  { seed, population, wanted, confidence }: Pick<SampleOfRun, 'seed' | 'population' | 'wanted' | 'confidence'>,
  contents: SampleOfRun['contents'],
): SampleOfRun {
  const count = (verdict: string) => contents.filter(one => one.verdict === verdict).length
  const drawn = Math.min(wanted, population)
  const sampled: Sampled = {
    population,
    passed: count('pass'),
    failed: count('fail'),
    open: count('inconclusive'),
    cut: drawn - contents.length,
    confidence,
  }
  const statement = stateFrom(sampled)
  const { passed, failed, open, cut } = sampled
  const sentence = sentenceOf(sampled, statement)
  return { seed, population, wanted, confidence, contents, passed, failed, open, cut, statement, sentence }
}
