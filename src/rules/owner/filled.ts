/** Enough documents have a value in a field. */
import { num, type RuleKindFile, withAnswer } from './kind.ts'

export const filled: RuleKindFile<'filled'> = {
  meta: {
    kind: 'filled',
    title: 'Fields that are filled in',
    why: 'The count is right and the documents are hollow.',
    about: 'index',
  },
  says: ({ field, percent }) => `${field} filled in at least ${num(percent)} % of the documents`,
  questions: ({ field }) => [{ kind: 'filled', field }],
  check: ({ field, percent }, [answer]) =>
    withAnswer('filled', answer, value => {
      const wanted = `wanted: at least ${num(percent)} %`
      if (value.type === null) {
        const got = `there is no field ${field} in the mapping`
        return [{ verdict: 'fail', got, message: `${got}; ${wanted}` }]
      }
      if (value.documents === 0) {
        const got = 'there are no documents'
        return [{ verdict: 'fail', got, message: `${got}, so that ${field} is filled in none; ${wanted}` }]
      }
      const got = `${field} is filled in ${num(value.filled)} of ${num(value.documents)} documents (${shown(value.filled / value.documents)} %)`
      // Whole numbers on both sides: no share is rounded up to the one wanted.
      if (value.filled * 100 >= percent * value.documents) return [{ verdict: 'pass', got }]
      return [{ verdict: 'fail', got, message: `${got}; ${wanted}` }]
    }),
}

function shown(share: number): string {
  return num(Math.floor(share * 1e6) / 1e4)
}
