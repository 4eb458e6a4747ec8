/** The oldest time of a field lies within what retention allows. */
import { num, type RuleKindFile, span, withAnswer } from './kind.ts'
import { isTime, timeWords, unknownTime } from './times.ts'

export const oldest: RuleKindFile<'oldest'> = {
  meta: {
    kind: 'oldest',
    title: 'Oldest document',
    why: 'What should have been deleted is still kept, and restored with the rest.',
    about: 'index',
  },
  says: ({ field, withinSeconds }) => `oldest ${field} at most ${span(withinSeconds)} before the snapshot began`,
  questions: ({ field }) => [{ kind: 'times', field }],
  check: ({ field, withinSeconds }, [answer], { snapshot }) =>
    withAnswer('times', answer, ({ oldestMs, type }) => {
      const unknown = unknownTime(field, type, oldestMs)
      if (unknown !== null) return [unknown]
      if (snapshot.startedMs === null) {
        const message = `nobody knows when ${snapshot.name} began`
        return [{ verdict: 'inconclusive', reason: 'rule-not-judged', message }]
      }
      const at = oldestMs ?? Number.NaN
      if (!isTime(at)) return [{ verdict: 'fail', got: null, message: `the oldest ${field} is no time: ${num(at)}` }]
      const got = `oldest ${field} ${timeWords(at)}`
      const age = (snapshot.startedMs - at) / 1000
      if (age <= withinSeconds) return [{ verdict: 'pass', got }]
      const message = `${got}, ${span(age)} before ${snapshot.name} began (${timeWords(snapshot.startedMs)}); wanted: at most ${span(withinSeconds)}`
      return [{ verdict: 'fail', got, message }]
    }),
}
