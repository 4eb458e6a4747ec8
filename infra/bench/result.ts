/** What a bench found: numbers beside what they must not exceed. */

export interface Measurement {
  /** What `--json` calls it; absent: made of bench, case and measure. */
  readonly id?: string
  readonly case: string
  readonly measure: string
  readonly value: number
  readonly unit: 'requests' | 'contents' | 'bytes' | 'MiB' | 'seconds' | 'ratio'
  /** Most that it may be; null: nothing is asked of it. */
  readonly target: number | null
}

/** What `--json` prints as its last line: one object for whoever compares runs. */
export interface BenchResult {
  readonly machine: {
    readonly cpus: number
    readonly memoryBytes: number
    readonly node: string
    readonly system: string
  }
  /** Of the tree; null: there is no git. `+`: with changes that are not committed. */
  readonly commit: string | null
  readonly scale: number
  readonly measures: readonly {
    /** Its own, such as `catchup-time-vs-naive`, or bench, case and measure in small letters. */
    readonly id: string
    readonly value: number
    readonly unit: Measurement['unit']
    /** Most that it may be; null: nothing is asked of it. */
    readonly goal: number | null
    /** What a goal is held against: beyond it the exit code is 1. */
    readonly limit: number | null
  }[]
}

export function measuresOf(found: readonly (Measurement & { readonly bench: string })[]): BenchResult['measures'] {
  return found.map(({ id, bench, case: name, measure, value, unit, target }) => {
    const slug = (id ?? `${bench} ${name} ${measure}`).toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
    return { id: slug.replaceAll(/^-|-$/g, ''), value, unit, goal: target, limit: target }
  })
}

export function isReached({ value, target }: Measurement): boolean {
  return target === null || value <= target
}

/** A table for people; the last column says whether the target is reached. */
export function tableOf(measurements: readonly Measurement[]): string {
  const rows = measurements.map(one => [
    one.case,
    one.measure,
    show(one.value, one.unit),
    one.target === null ? '' : `<= ${show(one.target, one.unit)}`,
    one.target === null ? '' : isReached(one) ? 'yes' : 'NO',
  ])
  const all = [['CASE', 'MEASURE', 'VALUE', 'TARGET', 'REACHED'], ...rows]
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, column) =>
          column === 2 || column === 3 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function show(value: number, unit: Measurement['unit']): string {
  switch (unit) {
    case 'requests':
    case 'contents':
      return value.toLocaleString('en')
    case 'bytes':
      if (value < 1024) return `${value.toFixed(1)} bytes`
      return value < 2 ** 20 ? `${(value / 1024).toFixed(1)} KiB` : `${(value / 2 ** 20).toFixed(1)} MiB`
    case 'MiB':
      return `${value.toFixed(1)} MiB`
    case 'seconds':
      return `${value.toFixed(1)} s`
    case 'ratio':
      return value.toFixed(3)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
