/** The restored mapping has fields of given types. */
import { type RuleKindFile, withAnswer } from './kind.ts'

export const fields: RuleKindFile<'fields'> = {
  meta: {
    kind: 'fields',
    title: 'Fields and their types',
    why: 'A field that was mapped another way overnight cannot be searched as before.',
    about: 'index',
  },
  says: ({ types }) =>
    `fields ${Object.entries(types)
      .map(([field, allowed]) => `${field} (${allowed.join(' or ')})`)
      .join(', ')}`,
  questions: ({ types }) => Object.keys(types).map(field => ({ kind: 'field-type', field })),
  check: ({ types }, answers) =>
    Object.entries(types).flatMap(([field, allowed], i) =>
      withAnswer('field-type', answers[i], ({ type }) => {
        const got = `${field}: ${type ?? 'not in the mapping'}`
        if (type !== null && allowed.includes(type)) return [{ verdict: 'pass', got }]
        return [{ verdict: 'fail', got, message: `${got}; wanted: ${allowed.join(' or ')}` }]
      }),
    ),
}
