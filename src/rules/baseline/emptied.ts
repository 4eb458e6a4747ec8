/** All or nearly all documents are gone: an index that was made again empty, or another one under its name. */
import { amountOn, type BaselineRule, recentOf } from './rule.ts'

/** Lost at least so much, where the owner does not allow more. */
const nearlyAllPercent = 90
/** Fewer documents come and go; `shrunk` tells of those. */
const leastDocuments = 100

export const emptied: BaselineRule = {
  kind: 'emptied',
  against: 'level',
  differs(now, before, { documentsPercent }, enough) {
    const recent = recentOf(before, measure => measure.documents, enough)
    if (documentsPercent === null || now.documents === null || recent === null) return null
    if (recent.lowest < leastDocuments) return null
    const kept = recent.lowest * (1 - Math.max(nearlyAllPercent, documentsPercent) / 100)
    return now.documents > kept ? null : `${amountOn(now.documents, 'documents', now)}, ${recent.words}`
  },
}
