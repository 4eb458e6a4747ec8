/** The index has the aliases that applications use. */
import { listed, type RuleKindFile, withAnswer } from './kind.ts'

export const aliases: RuleKindFile<'aliases'> = {
  meta: {
    kind: 'aliases',
    title: 'Aliases',
    why: 'The data is back, and no application finds it under the name it asks for.',
    about: 'index',
  },
  says: ({ names }) => `aliases ${names.join(', ')}`,
  questions: () => [{ kind: 'aliases' }],
  check: ({ names }, [answer]) =>
    withAnswer('aliases', answer, value => {
      const known = new Set(value.names)
      const missing = names.filter(name => !known.has(name))
      const got = value.names.length === 0 ? 'no aliases' : `aliases ${listed(value.names)}`
      if (missing.length === 0) return [{ verdict: 'pass', got }]
      return [{ verdict: 'fail', got, message: `${got}; missing: ${listed(missing)}` }]
    }),
}
