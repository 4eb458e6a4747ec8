/** As many root documents as the owner expects. */
import { inRange, num, type RuleKindFile, rangeWords, withAnswer } from './kind.ts'

export const documents: RuleKindFile<'documents'> = {
  meta: {
    kind: 'documents',
    title: 'Number of documents',
    why: 'An index that was emptied, or filled twice, restores without a complaint.',
    about: 'index',
  },
  says: range => `${rangeWords(range)} documents`,
  questions: () => [{ kind: 'documents' }],
  check: (range, [answer]) =>
    withAnswer('documents', answer, value => {
      const got = `${num(value.documents)} documents`
      if (inRange(value.documents, range)) return [{ verdict: 'pass', got }]
      return [{ verdict: 'fail', got, message: `${got}; wanted: ${rangeWords(range)}` }]
    }),
}
