/** Hits of a query, or a value of its aggregations, lie in a range. */
import { inRange, num, type RuleKindFile, type RuleOutcome, rangeWords, withAnswer } from './kind.ts'

export const query: RuleKindFile<'query'> = {
  meta: {
    kind: 'query',
    title: 'A query',
    why: 'What only its owner can ask of the data.',
    about: 'index',
  },
  says: ({ hits, aggregation }) =>
    [
      hits === null ? [] : [`${rangeWords(hits)} hits`],
      aggregation === null ? [] : [`${aggregation.path} ${rangeWords(aggregation.range)}`],
    ]
      .flat()
      .join(' and '),
  questions: ({ body, aggregation }) => [{ kind: 'query', body, aggregation: aggregation?.path ?? null }],
  check: ({ hits, aggregation }, [answer]) =>
    withAnswer('query', answer, value => {
      const outcomes: RuleOutcome[] = []
      if (hits !== null) {
        const got = `${num(value.hits)} hits`
        if (inRange(value.hits, hits)) outcomes.push({ verdict: 'pass', got })
        else outcomes.push({ verdict: 'fail', got, message: `${got}; wanted: ${rangeWords(hits)}` })
      }
      if (aggregation !== null) {
        const { path, range } = aggregation
        const got = value.value === null ? `${path} ${noValue[value.what]}` : `${path} is ${num(value.value)}`
        if (value.value !== null && inRange(value.value, range)) outcomes.push({ verdict: 'pass', got })
        else outcomes.push({ verdict: 'fail', got, message: `${got}; wanted: ${rangeWords(range)}` })
      }
      return outcomes
    }),
}

const noValue = {
  number: 'is no number',
  null: 'has no value, as an aggregation over no documents has none',
  absent: 'is not in the answer of the server',
  'no-number': 'is no number',
  'not-asked': 'was not asked for',
} as const
