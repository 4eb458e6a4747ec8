/**
 * A month of daily snapshots of twenty indices, two written to each day: a first night of ours against what people write themselves. Over a
 * wire of 1 Gbit/s, theirs with the server's own repository-s3, tuned and as a server does it by itself, ours by the mirror, and with the server's
 * own repository-s3 and chains; and both from a local disk.
 * `--scale` divides the bytes of the indices.
 */
import { bytesOf, onRepository, ratiosOf, secondsOf, type UsedBy } from './restores/turns.ts'
import { type Measurement, median } from './result.ts'

const days = 30
const indices = 20
const indexBytes = 100 * 2 ** 20

export async function benchCatchup(
  scale: number,
  say: (text: string) => void,
  isQuick: boolean,
): Promise<Measurement[]> {
  const firstBytes = indexBytes * scale
  const rounds = isQuick ? 1 : 2
  // What is written to grows by a tenth that day.
  const shape = { days, indices, writtenPerDay: 2, firstBytes, dailyBytes: firstBytes / 10 }
  return onRepository(shape, say, async bench => {
    const { uniqueBytes } = bench.repository
    const row = (measure: string, value: number, unit: Measurement['unit'], target: number | null = null) => ({
      case: `${days} days × ${indices}`,
      measure,
      value,
      unit,
      target,
    })
    const wire = await bench.inTurns(
      {
        naive: bench.naive({ wire: 'gigabit', tuned: true }),
        ours: bench.ours({ wire: 'gigabit', source: 'mirror', chainFrom: '1GiB' }),
        chained: bench.ours({ wire: 'gigabit', source: 's3', chainFrom: '65536' }),
      },
      rounds,
    )
    // Once: 40 MB a second is a throttle, which takes half an hour at full size and spreads little.
    const byDefault = await bench.inTurns(
      {
        default: bench.naive({ wire: 'gigabit', tuned: false }),
        ours: bench.ours({ wire: 'gigabit', source: 'mirror', chainFrom: '1GiB' }),
      },
      1,
    )
    const local = await bench.inTurns(
      {
        naive: bench.naive({ wire: 'disk', tuned: true }),
        ours: bench.ours({ wire: 'disk', source: 'mirror', chainFrom: '1GiB' }),
      },
      rounds,
    )
    const pair = <Way extends string>(id: string, used: UsedBy<Way>, way: Way, other: Way, target: number | null) => {
      const ratios = ratiosOf(used, way, other)
      return [
        { id, ...row(id, median(ratios), 'ratio', target) },
        row(`${id}, least`, Math.min(...ratios), 'ratio'),
        row(`${id}, greatest`, Math.max(...ratios), 'ratio'),
      ]
    }
    return [
      row('data blobs, each once', uniqueBytes, 'bytes'),
      ...(['naive', 'ours', 'chained'] as const).flatMap(way => [
        row(`${way}: read`, bytesOf(wire, way), 'bytes'),
        row(`${way}: time`, secondsOf(wire, way), 'seconds'),
      ]),
      row('default: time', secondsOf(byDefault, 'default'), 'seconds'),
      row('naive from a disk: time', secondsOf(local, 'naive'), 'seconds'),
      row('ours from a disk: time', secondsOf(local, 'ours'), 'seconds'),
      {
        id: 'catchup-bytes-vs-naive',
        ...row('catchup-bytes-vs-naive', bytesOf(wire, 'ours') / bytesOf(wire, 'naive'), 'ratio', 0.1),
      },
      {
        id: 'catchup-bytes-vs-unique',
        ...row('catchup-bytes-vs-unique', bytesOf(wire, 'ours') / uniqueBytes, 'ratio', 1.02),
      },
      ...pair('catchup-time-vs-naive', wire, 'ours', 'naive', 0.1),
      ...pair('catchup-time-vs-default', byDefault, 'ours', 'default', 0.1),
      ...pair('catchup-time-vs-naive-local', local, 'ours', 'naive', 0.25),
    ]
  })
}
