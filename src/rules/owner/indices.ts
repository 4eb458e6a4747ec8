/** The set of indices of a snapshot is complete. Judged from the catalogue alone. */
import { listed, num, type RuleKindFile, type RuleOutcome } from './kind.ts'
import { matcher } from './pattern.ts'

export const indices: RuleKindFile<'indices'> = {
  meta: {
    kind: 'indices',
    title: 'Set of indices',
    why: 'An index that is not in the snapshot is in no restore, and nothing fails.',
    about: 'snapshot',
  },
  says: ({ present, asBefore }) =>
    [
      present.length === 0 ? [] : [`an index for each of ${present.join(', ')}`],
      asBefore ? ['every index that the snapshot before had'] : [],
    ]
      .flat()
      .join(' and '),
  questions: () => [],
  check: ({ present, asBefore }, _answers, { rule, snapshot }) => {
    const names = [...snapshot.indices]
    const outcomes: RuleOutcome[] = []
    const absent = present.filter(pattern => !names.some(matcher([pattern])))
    const got = `${num(names.length)} indices`
    if (absent.length > 0) {
      const message = `no index of ${snapshot.name} matches ${listed(absent)}`
      outcomes.push({ verdict: 'fail', got: `${got}, none for ${listed(absent)}`, message })
    } else if (present.length > 0) outcomes.push({ verdict: 'pass', got })
    const { before } = snapshot
    if (!asBefore || before === null) return outcomes
    const isOurs = matcher(rule.index)
    const lost = [...before.indices].filter(name => isOurs(name) && !snapshot.indices.has(name)).sort()
    if (lost.length === 0) return [...outcomes, { verdict: 'pass', got: `every index of ${before.name}` }]
    const message = `${num(lost.length)} indices of ${before.name} are not in ${snapshot.name}: ${listed(lost)}`
    return [...outcomes, { verdict: 'fail', got: `${got}, without ${listed(lost)}`, message }]
  },
}
