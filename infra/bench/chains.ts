/**
 * A month of daily snapshots of one index, all open, read by the server from a local S3 over a wire of 1 Gbit/s: what people write themselves, ours without chains, and
 * ours with them. In turns, several rounds, each with a server of its own. `--scale` divides the bytes of the index.
 */
import type { DailyRepository } from './restores/repository.ts'
import { bytesOf, onRepository, ratiosOf, secondsOf, type UsedBy } from './restores/turns.ts'
import { type Measurement, median } from './result.ts'

const days = 30
const wholeBytes = 256 * 2 ** 20

export async function benchChains(
  scale: number,
  say: (text: string) => void,
  isQuick: boolean,
): Promise<Measurement[]> {
  const firstBytes = wholeBytes * scale
  const rounds = isQuick ? 1 : 3
  const shape = { days, indices: 1, writtenPerDay: 1, firstBytes, dailyBytes: firstBytes / 33 }
  return onRepository(shape, say, async bench => {
    const ways = {
      naive: bench.naive({ wire: 'gigabit', tuned: true }),
      unchained: bench.ours({ wire: 'gigabit', source: 's3', chainFrom: '1TiB' }),
      chained: bench.ours({ wire: 'gigabit', source: 's3', chainFrom: '65536' }),
    }
    return rowsOf(await bench.inTurns(ways, rounds), bench.repository)
  })
}

function rowsOf(used: UsedBy<'naive' | 'unchained' | 'chained'>, { uniqueBytes }: DailyRepository): Measurement[] {
  const row = (measure: string, value: number, unit: Measurement['unit'], target: number | null = null) => ({
    case: `${days} days`,
    measure,
    value,
    unit,
    target,
  })
  return [
    row('data blobs, each once', uniqueBytes, 'bytes'),
    ...(['naive', 'unchained', 'chained'] as const).flatMap(way => [
      row(`${way}: read`, bytesOf(used, way), 'bytes'),
      row(`${way}: time`, secondsOf(used, way), 'seconds'),
    ]),
    {
      id: 'chains-read-chained-vs-each-once',
      ...row('read, chained ÷ each once', bytesOf(used, 'chained') / uniqueBytes, 'ratio', 1.1),
    },
    row('read, chained ÷ unchained', bytesOf(used, 'chained') / bytesOf(used, 'unchained'), 'ratio'),
    row('read, chained ÷ naive', bytesOf(used, 'chained') / bytesOf(used, 'naive'), 'ratio'),
    ...(['unchained', 'naive'] as const).flatMap(other => {
      const ratios = ratiosOf(used, 'chained', other)
      return [
        row(`time, chained ÷ ${other}`, median(ratios), 'ratio'),
        row(`time, chained ÷ ${other}, greatest`, Math.max(...ratios), 'ratio'),
      ]
    }),
  ]
}
