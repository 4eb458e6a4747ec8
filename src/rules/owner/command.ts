/** A program of the owner's looked at the restored index and ended with 0. */
import { type RuleKindFile, withAnswer } from './kind.ts'

export const command: RuleKindFile<'command'> = {
  meta: {
    kind: 'command',
    title: 'A command of one’s own',
    why: 'What no query can ask.',
    about: 'index',
  },
  says: ({ run }) => `${run.join(' ')} ends with 0`,
  questions: ({ run, timeLimitSeconds }) => [{ kind: 'command', run, timeLimitSeconds }],
  check: ({ run }, [answer]) =>
    withAnswer('command', answer, ({ exitCode, output }) => {
      const got = `exit code ${exitCode}`
      if (exitCode === 0) return [{ verdict: 'pass', got }]
      const words = output.trim().slice(-300)
      return [{ verdict: 'fail', got, message: `${run[0]}: ${got}${words === '' ? '' : `; it said: ${words}`}` }]
    }),
}
