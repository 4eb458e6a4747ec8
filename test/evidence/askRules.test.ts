/** Questions of rules to a server: what it answers, what it refuses, and what trouble of ours leaves open. */
import { describe, expect, test } from 'vitest'
import type { SearchAnswer } from '../../src/engine/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import { answersIn, askQuestions, parseAnswer, shortAnswer } from '../../src/evidence/askRules.ts'
import { type Answer, type Question, questionId } from '../../src/model/answers.ts'
import { ownReason } from '../../src/rules/serverWords.ts'
import { expectation, goodEvidence } from '../support/evidence.ts'
import { type FakeEngineOptions, fakeClock, fakeEngine, searchBody } from '../support/fakes.ts'

const fields = { at: 'date', nested: 'nested', 'nested.sku': 'keyword', 'nested.at': 'date', name: 'text' }
const expected = expectation({ fields, aliases: ['shop'] })

async function asked(
  question: Question,
  options: FakeEngineOptions = {},
  { evidence = {}, signal = new AbortController().signal } = {},
): Promise<Answer | undefined> {
  const engine = fakeEngine('e', options)
  const clock = fakeClock()
  const answers = await askQuestions(
    engine,
    expected,
    goodEvidence(expected, { count: 21, ...evidence }),
    [question, question],
    {
      timeoutMs: 1_000,
      clock,
      signal,
      ownReason,
    },
  )
  expect(Object.keys(answers)).toEqual([questionId(question)])
  return answers[questionId(question)]
}

const found = (hits: number, aggregations?: unknown) => ({
  search: () => ({ answered: true as const, body: searchBody(hits, aggregations) }),
})
const refused = (answer: Omit<Extract<SearchAnswer, { answered: false }>, 'answered'>) => ({
  search: () => ({ answered: false as const, ...answer }),
})
const query: Question = {
  kind: 'query',
  body: { size: 50, aggs: { most: { max: { field: 'x' } } } },
  aggregation: 'most',
}

describe('answers', () => {
  test.each([
    [{ kind: 'documents' }, {}, { documents: 21 }],
    [{ kind: 'field-type', field: 'at' }, {}, { type: 'date' }],
    [{ kind: 'field-type', field: 'toString' }, {}, { type: null }],
    [{ kind: 'aliases' }, {}, { names: ['shop'] }],
    [{ kind: 'filled', field: 'name' }, found(20), { documents: 21, filled: 20, type: 'text' }],
    [{ kind: 'filled', field: 'no' }, found(20), { documents: 21, filled: 0, type: null }],
    [
      { kind: 'times', field: 'at' },
      found(21, { oldest: { value: 1 }, newest: { value: 2 } }),
      { oldestMs: 1, newestMs: 2, type: 'date' },
    ],
    [
      { kind: 'times', field: 'at' },
      found(0, { oldest: { value: null }, newest: { value: null } }),
      { oldestMs: null, newestMs: null, type: 'date' },
    ],
    [
      { kind: 'times', field: 'name' },
      found(21, { oldest: { value: 1 } }),
      { oldestMs: null, newestMs: null, type: 'text' },
    ],
    [
      { kind: 'times', field: 'nested.at' },
      found(21, { within: { doc_count: 3, oldest: { value: 1 }, newest: { value: 2 } } }),
      { oldestMs: 1, newestMs: 2, type: 'date' },
    ],
    [query, found(3, { most: { value: 7 } }), { hits: 3, value: 7, what: 'number' }],
    [query, found(3, {}), { hits: 3, value: null, what: 'absent' }],
  ] as const)('%j', async (question, options, value) => {
    expect(await asked(question as Question, options)).toEqual({ status: 'answered', value })
  })

  test('no document is asked for, whatever the owner wrote', async () => {
    const bodies: unknown[] = []
    await asked(query, {
      search: (_, body) => {
        bodies.push(body)
        return { answered: true, body: searchBody(0) }
      },
    })
    expect(bodies).toEqual([{ ...query.body, size: 0, track_total_hits: true, timeout: '1000ms' }])
  })

  test('a field within nested documents is looked for there', async () => {
    const bodies: unknown[] = []
    await asked(
      { kind: 'filled', field: 'nested.sku' },
      {
        search: (_, body) => {
          bodies.push(body.query)
          return { answered: true, body: searchBody(0) }
        },
      },
    )
    expect(bodies).toEqual([{ nested: { path: 'nested', query: { exists: { field: 'nested.sku' } } } }])
  })
})

describe('what is no answer', () => {
  test('the server refuses the question, in its words', async () => {
    const answer = await asked(
      query,
      refused({ status: 400, type: 'parsing_exception', reason: 'unknown query [mtach]' }),
    )
    expect(answer).toEqual({ status: 'refused', words: 'parsing_exception: unknown query [mtach] (HTTP 400)' })
  })
  test.each([
    [503, 'all shards failed', 'evidence-incomplete'],
    [429, 'rejected execution', 'evidence-incomplete'],
    [400, 'CircuitBreakingException: too large', 'evidence-incomplete'],
  ])('trouble of the server is ours: %i %s', async (status, reason, expectedReason) => {
    expect(await asked(query, refused({ status, type: 'x', reason }))).toMatchObject({
      status: 'unanswered',
      reason: expectedReason,
    })
  })
  test('a part of the shards', async () => {
    const body = { ...searchBody(1), _shards: { total: 2, successful: 1, failed: 1 } }
    expect(await asked(query, { search: () => ({ answered: true, body }) })).toMatchObject({ status: 'unanswered' })
  })
  test('a server that died', async () => {
    const die: FakeEngineOptions = {
      search: () => {
        throw new SnapproofError('engine-died', 'killed')
      },
    }
    expect(await asked(query, die)).toMatchObject({ status: 'unanswered', reason: 'engine-died' })
  })
  test('an interrupted run', async () => {
    const stop = new AbortController()
    stop.abort(new Error('Ctrl-C'))
    const options: FakeEngineOptions = {
      search: () => {
        throw stop.signal.reason
      },
    }
    expect(await asked(query, options, { signal: stop.signal })).toMatchObject({ reason: 'interrupted' })
  })
  test('what the evidence does not hold', async () => {
    expect(await asked({ kind: 'documents' }, {}, { evidence: { count: null } })).toMatchObject({
      status: 'unanswered',
    })
    expect(await asked({ kind: 'field-type', field: 'at' }, {}, { evidence: { fields: null } })).toMatchObject({
      status: 'unanswered',
    })
  })
})

describe('commands', () => {
  const command: Question = { kind: 'command', run: ['/check'], timeLimitSeconds: 5 }
  test('are told where the index is and whose it was', async () => {
    const given: unknown[] = []
    const answer = await asked(command, {
      runCommand: async options => {
        given.push({ ...options.environment, target: options.target, run: options.run })
        return { exitCode: 3, output: 'x'.repeat(100_000) }
      },
    })
    expect(given).toEqual([
      {
        SNAPPROOF_INDEX_NAME: 'logs',
        SNAPPROOF_SNAPSHOT: 'nightly-1',
        SNAPPROOF_SNAPSHOT_UUID: 'SNAPSHOT-ONE',
        target: 'snapproof-c0ffee-0-1',
        run: ['/check'],
      },
    ])
    expect(answer).toMatchObject({ status: 'answered', value: { exitCode: 3 } })
    expect(JSON.stringify(answer).length).toBeLessThan(17_000)
    expect(answer === undefined ? '' : JSON.stringify(shortAnswer(answer, 300)).length).toBeLessThan(400)
  })
  test('that hang are the owner’s to mend, and no answer', async () => {
    const runCommand = async () => {
      throw new SnapproofError('owner-command', 'the command "/check" did not end within 5 s')
    }
    expect(await asked(command, { runCommand })).toEqual({
      status: 'unanswered',
      reason: 'rule-not-judged',
      words: 'the command "/check" did not end within 5 s',
    })
  })
})

describe('answers that were kept', () => {
  test.each([
    '',
    '{',
    'null',
    '5',
    '{"status":"answered"}',
    '{"status":"answered","value":null}',
    '{"status":"refused"}',
    '{"status":"x"}',
  ])('%s is none', text => {
    expect(parseAnswer(text)).toBeNull()
  })
  test('of what another machine left only answers are taken', () => {
    const good: Answer = { status: 'refused', words: 'no' }
    expect(answersIn({ answers: { a: good, b: 5, c: { status: 'x' } } })).toEqual({ a: good })
    for (const evidence of [null, 5, {}, { answers: null }, { answers: 'x' }]) expect(answersIn(evidence)).toEqual({})
  })
})
