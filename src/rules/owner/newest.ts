/** The newest time of a field is as young as it should be when the snapshot began, and not of the future. */
import { num, type RuleKindFile, span, withAnswer } from './kind.ts'
import { isTime, timeWords, unknownTime } from './times.ts'

export const newest: RuleKindFile<'newest'> = {
  meta: {
    kind: 'newest',
    title: 'Newest document',
    why: 'An index that nobody writes to any more is backed up every night and is worth less every day.',
    about: 'index',
  },
  says: ({ field, withinSeconds }) => `newest ${field} at most ${span(withinSeconds)} before the snapshot began`,
  questions: ({ field }) => [{ kind: 'times', field }],
  check: ({ field, withinSeconds, aheadSeconds }, [answer], { snapshot }) =>
    withAnswer('times', answer, ({ newestMs, type }) => {
      const unknown = unknownTime(field, type, newestMs)
      if (unknown !== null) return [unknown]
      const { startedMs, endedMs } = snapshot
      if (startedMs === null) {
        const message = `nobody knows when ${snapshot.name} began`
        return [{ verdict: 'inconclusive', reason: 'rule-not-judged', message }]
      }
      const at = newestMs ?? Number.NaN
      if (!isTime(at)) return [{ verdict: 'fail', got: null, message: `the newest ${field} is no time: ${num(at)}` }]
      const got = `newest ${field} ${timeWords(at)}`
      const late = (startedMs - at) / 1000
      if (late > withinSeconds) {
        const message = `${got}, ${span(late)} before ${snapshot.name} began (${timeWords(startedMs)}); wanted: at most ${span(withinSeconds)}`
        return [{ verdict: 'fail', got, message }]
      }
      // One document of the year 9999 would make every later night look fresh.
      const ahead = (at - Math.max(startedMs, endedMs ?? startedMs)) / 1000
      if (ahead > aheadSeconds) {
        const message = `${got}, ${span(ahead)} after the end of ${snapshot.name}; wanted: at most ${span(aheadSeconds)}`
        return [{ verdict: 'fail', got, message }]
      }
      return [{ verdict: 'pass', got }]
    }),
}
