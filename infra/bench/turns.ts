/** Two who do the same, in turns within one run, and the seconds of one in those of the other. */
import { type Measurement, median } from './result.ts'

export interface Turns {
  readonly rounds: number
  readonly say: (text: string) => void
}

type Names = readonly [ours: string, theirs: string]
type Pairs = readonly { readonly ours: number; readonly theirs: number }[]

/** Both resolve with their seconds. Who goes first changes, so that a warm cache is nobody's own. */
export async function inTurns(
  names: Names,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
  { rounds, say }: Turns,
): Promise<Pairs> {
  const pairs: { readonly ours: number; readonly theirs: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? await ours() : null
    const other = await theirs()
    const own = first ?? (await ours())
    pairs.push({ ours: own, theirs: other })
    say(`round ${round + 1}, ${names[0]}: ${own.toFixed(2)} s, ${names[1]}: ${other.toFixed(2)} s`)
  }
  return pairs
}

/** The times of both, and their ratio: in the middle, least, greatest. */
export function rowsOf(
  name: string,
  id: string,
  names: Names,
  pairs: Pairs,
  target: number | null,
): readonly Measurement[] {
  const ratios = pairs.map(({ ours, theirs }) => ours / theirs)
  const row = (measure: string, value: number, unit: Measurement['unit'], most: number | null = null) => ({
    case: name,
    measure,
    value,
    unit,
    target: most,
  })
  return [
    row(`${names[0]}: time`, median(pairs.map(({ ours }) => ours)), 'seconds'),
    row(`${names[1]}: time`, median(pairs.map(({ theirs }) => theirs)), 'seconds'),
    { id, ...row(id, median(ratios), 'ratio', target) },
    row(`${id}, least`, Math.min(...ratios), 'ratio'),
    row(`${id}, greatest`, Math.max(...ratios), 'ratio'),
  ]
}
