/** Much smaller than before: by documents, or by bytes where the documents do not show it. */
import type { Measure, Thresholds } from '../../model/baseline.ts'
import { amountOn, type BaselineRule, recentOf } from './rule.ts'

/** Smaller losses are no news; a merge alone may free as many bytes. */
const leastDocuments = 100
const leastBytes = 1024 ** 2

export const shrunk: BaselineRule = {
  kind: 'shrunk',
  against: 'level',
  differs: (now, before, wants, enough) =>
    byDocuments(now, before, wants, enough) ?? byBytes(now, before, wants, enough),
}

function byDocuments(now: Measure, before: readonly Measure[], wants: Thresholds, enough: number): string | null {
  const recent = recentOf(before, measure => measure.documents, enough)
  const { documents } = now
  if (wants.documentsPercent === null || documents === null || recent === null) return null
  const lost = recent.lowest - documents
  // However little there was: empty is not less, it is nothing.
  const empty = documents === 0 && lost > 0
  const much = lost >= leastDocuments && lost > (recent.lowest * wants.documentsPercent) / 100
  return empty || much ? `${amountOn(documents, 'documents', now)}, ${recent.words}` : null
}

function byBytes(now: Measure, before: readonly Measure[], wants: Thresholds, enough: number): string | null {
  const recent = recentOf(before, measure => measure.bytes, enough)
  if (wants.bytesPercent === null || recent === null) return null
  const lost = recent.lowest - now.bytes
  if (lost < leastBytes || lost <= (recent.lowest * wants.bytesPercent) / 100) return null
  return `${amountOn(now.bytes, 'bytes', now)}, ${recent.words}`
}
