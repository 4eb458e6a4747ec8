/** Answers of restored contents: kept by content, snapshot and question, and found again in later nights. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answerRow, day, newFolder, openTest, signal, start, testClock } from './support.ts'

const given = (answers: ReadonlyMap<string, { readonly answer: string }>) =>
  Object.fromEntries([...answers].map(([question, { answer }]) => [question, answer]))

async function ledgerWith(rows: readonly ReturnType<typeof answerRow>[]) {
  const file = join(newFolder(), 'ledger.sqlite')
  const clock = testClock()
  for (const row of rows) {
    const session = await openTest(null, clock, { file })
    await session.journal('run-a', [row], signal)
    await session.store(signal)
    await session.close()
    clock.now += day
  }
  return await openTest(null, clock, { file, readOnly: true })
}

test('by question, restored from any snapshot or from one alone', async () => {
  const ledger = await ledgerWith([
    answerRow({ question: 'q1', answer: 'a' }),
    answerRow({ question: 'q2', answer: 'b', snapshotUuid: 's2' }),
    answerRow({ question: 'q1', answer: 'other', contentId: 'c2' }),
    answerRow({ question: 'q1', answer: 'other', indexId: 'i2' }),
  ])
  expect(given(ledger.answers('i1', 'c1', null))).toEqual({ q1: 'a', q2: 'b' })
  expect(given(ledger.answers('i1', 'c1', 's2'))).toEqual({ q2: 'b' })
  expect(given(ledger.answers('i3', 'c1', null))).toEqual({})
  await ledger.close()
})

test('the later answer stays, also where the earlier one was written by a clock that was ahead', async () => {
  const ledger = await ledgerWith([
    answerRow({ answer: 'of an hour that was wrong', atMs: start + 900 * day }),
    answerRow({ answer: 'later', atMs: start + day }),
  ])
  expect([...ledger.answers('i1', 'c1', null).values()]).toMatchObject([{ answer: 'later', answered: true }])
  await ledger.close()
})

test('an answer is not lost to a later attempt that had none, of this snapshot or another', async () => {
  for (const snapshotUuid of ['s1', 's2']) {
    const ledger = await ledgerWith([
      answerRow({ answer: 'known' }),
      answerRow({ answer: 'hung', answered: false, atMs: start + day, snapshotUuid }),
    ])
    expect([...ledger.answers('i1', 'c1', null).values()]).toMatchObject([{ answer: 'known' }])
    await ledger.close()
  }
})
