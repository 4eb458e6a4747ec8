/** What the restores of a period were, and how long they took. */
import type { PeriodReport } from '../../model/period.ts'
import type { Row } from './tell.ts'

/** `rows`: as `ledger show restores` answers. Chained restores copied only what differed: they measure no speed. */
export function restoresOf(rows: readonly Row[]): PeriodReport['restores'] {
  const passed = rows.filter(row => row.verdict === 'pass')
  const measured = passed.filter(row => row.method === 'restore')
  const bySeconds = [...measured].sort((a, b) => Number(a.seconds) - Number(b.seconds))
  const middle = bySeconds[Math.floor((bySeconds.length - 1) / 2)]
  const slowest = bySeconds.at(-1)
  const sum = (member: 'bytes' | 'seconds') => measured.reduce((total, row) => total + Number(row[member]), 0)
  return {
    attempts: rows.length,
    pass: passed.length,
    fail: rows.filter(row => row.verdict === 'fail').length,
    inconclusive: rows.filter(row => row.verdict === 'inconclusive').length,
    contents: new Set(passed.map(row => JSON.stringify([row.indexId, row.content]))).size,
    indices: new Set(rows.map(row => row.index)).size,
    measured: measured.length,
    bytes: sum('bytes'),
    seconds: sum('seconds'),
    medianSeconds: middle === undefined ? null : Number(middle.seconds),
    slowest:
      slowest === undefined
        ? null
        : {
            index: String(slowest.index),
            snapshot: String(slowest.snapshot),
            seconds: Number(slowest.seconds),
            bytes: Number(slowest.bytes),
            at: String(slowest.at),
          },
  }
}
