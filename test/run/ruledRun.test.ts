/** What rules make of debt: a new question is asked of what one would restore first, once. */
import { expect, test } from 'vitest'
import { questionId } from '../../src/model/answers.ts'
import type { AnswerRow } from '../../src/model/journal.ts'
import type { ContentRecord } from '../../src/model/plan.ts'
import type { SnapshotEntry } from '../../src/model/repository.ts'
import { answerRows, askedBy, unaskedContents } from '../../src/run/ruledRun.ts'
import { answerRow, contentRow } from '../ledger/support.ts'
import { day, ruleOf, start } from '../rules/owner/support.ts'

const rule = ruleOf('documents', { min: 1, max: null }, { index: ['logs'] })
const [question] = askedBy([rule])('logs')
if (question === undefined) throw new Error('the rule asks nothing')
const id = questionId(question)

const content = (contentId: string, snapshots: number[], indexName = 'logs'): ContentRecord => ({
  contentId,
  indexName,
  indexId: `id-${indexName}`,
  shardCount: 1,
  createdVersion: null,
  bytes: 1,
  files: 1,
  snapshots,
  obstacle: null,
  witness: 'w',
  proof: null,
  lastInconclusive: null,
})
// Only the times matter.
const snapshots = [1, 2, 3].map(n => ({ name: `night-${n}`, uuid: `s${n}`, endedMs: start + n }) as SnapshotEntry)
const contents = [content('old', [0]), content('new', [1, 2]), content('other', [2], 'payments')]

const policy = { credit: 'shared', restoreNewestWithinDays: 7 } as const

function unasked(rows: readonly AnswerRow[], credit: 'shared' | 'strict' = 'shared', nowMs = start) {
  const answers = (_: string, contentId: string, uuid: string | null) =>
    new Map(
      rows
        .filter(row => row.contentId === contentId && (uuid ?? row.snapshotUuid) === row.snapshotUuid)
        .map(row => [row.question, row]),
    )
  return [...unaskedContents(contents, snapshots, [rule], { ...policy, credit }, { answers }, nowMs)].map(
    ({ contentId }) => contentId,
  )
}

test('of each index that a rule asks about the content of its newest snapshot', () => {
  expect(unasked([])).toEqual(['new'])
  expect(unasked([answerRow({ contentId: 'old', question: id })])).toEqual(['new'])
})

test('once it is answered, or refused, or its command hung, it is not asked again', () => {
  const refused = JSON.stringify({ status: 'refused', words: 'no' })
  const hung = JSON.stringify({ status: 'unanswered', reason: 'rule-not-judged', words: 'it hung' })
  for (const answer of ['{"status":"answered","value":{"documents":1}}', refused, hung])
    expect(unasked([answerRow({ contentId: 'new', question: id, answer })])).toEqual([])
})

test('trouble of ours, and what is no answer, is asked again', () => {
  const died = JSON.stringify({ status: 'unanswered', reason: 'engine-died', words: 'it died' })
  for (const answer of [died, 'no JSON', '{}'])
    expect(unasked([answerRow({ contentId: 'new', question: id, answer })])).toEqual(['new'])
})

test.each(['deadline', 'evidence-incomplete', 'engine-lacks'])(
  'a question that ends with %s restores its index in the rhythm of the policy, and not every night',
  reason => {
    const answer = JSON.stringify({ status: 'unanswered', reason, words: 'the query takes too long' })
    const asked = [answerRow({ contentId: 'new', question: id, answer, atMs: start })]
    for (const nights of [0, 1, 6]) expect(unasked(asked, 'shared', start + nights * day)).toEqual([])
    for (const nights of [7, 8]) expect(unasked(asked, 'shared', start + nights * day)).toEqual(['new'])
    // Of a machine whose clock was wrong.
    expect(unasked(asked, 'shared', start - 1)).toEqual(['new'])
  },
)

test.each(['interrupted', 'engine-died', 'disk-full'])(
  '%s is no fault of the question: asked the next night',
  reason => {
    const answer = JSON.stringify({ status: 'unanswered', reason, words: 'it was away' })
    expect(unasked([answerRow({ contentId: 'new', question: id, answer, atMs: start })])).toEqual(['new'])
  },
)

test('without shared credit the answer of another snapshot does not count', () => {
  const rows = [answerRow({ contentId: 'new', question: id, snapshotUuid: 's3' })]
  expect(unasked(rows)).toEqual([])
  expect(unasked(rows, 'strict')).toEqual(['new'])
})

test('no rules, nothing is owed', () => {
  expect(unaskedContents(contents, snapshots, [], policy, { answers: () => new Map() }, start).size).toBe(0)
})

test('what the ledger keeps of what a machine left: answers only, short', () => {
  const output = 'x'.repeat(9_000)
  const evidence = { answers: { a: { status: 'answered', value: { exitCode: 0, output } }, b: 5 } }
  const rows = answerRows(contentRow(), evidence)
  expect(rows).toMatchObject([{ kind: 'answer', question: 'a', answered: true, contentId: 'c1', snapshotUuid: 's1' }])
  expect(rows[0]?.answer.length).toBeLessThan(500)
  for (const broken of [null, 5, {}, { answers: [] }]) expect(answerRows(contentRow(), broken)).toEqual([])
})
