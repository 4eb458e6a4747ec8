import { describe, expect, it, test } from 'vitest'
import type { RunRow } from '../../src/model/journal.ts'
import { lastRunAnswer, topicAnswer } from '../../src/run/doctorAnswers.ts'

const topicArn = 'arn:aws:sns:eu-central-1:111122223333:alarms'
const mail = (name: string, confirmed: boolean) => ({ protocol: 'email', endpoint: `${name}@example.com`, confirmed })
const topic = (...subscriptions: ReturnType<typeof mail>[]) =>
  topicAnswer(topicArn, { kind: 'subscriptions', subscriptions })

describe('who hears the alarms', () => {
  test.each([
    ['nobody is subscribed', topic(), 'bad', /nobody is subscribed/, /Subscribe/],
    ['nobody has confirmed', topic(mail('a', false)), 'bad', /nobody has confirmed: email a@example.com/, /Confirm/],
    ['some have', topic(mail('a', true), mail('b', false)), 'not-proven', /1 confirmed;.* email b@ex/, /Confirm/],
    ['all have', topic(mail('a', true)), 'good', /1 confirmed: email a@example.com/, /^$/],
    ['not asked', topicAnswer(topicArn, { kind: 'denied', said: 'no' }), 'not-proven', /no$/, /sns:ListSub.*alarms/],
    ['no topic', topicAnswer(topicArn, { kind: 'no-topic' }), 'bad', /there is no topic arn/, /notify\.topicArn/],
    ['none configured', topicAnswer(null, null), 'good', /nobody was asked/, /^$/],
  ] as const)('%s', (_, answer, outcome, message, advice) => {
    expect(answer.outcome).toBe(outcome)
    expect(answer.message).toMatch(message)
    expect(answer.advice ?? '').toMatch(advice)
  })

  it('names five and counts the rest', () => {
    const many = topic(...Array.from({ length: 7 }, (_, i) => mail(`a${i}`, false)))
    expect(many.message).toMatch(/a4@example\.com and 2 more$/)
  })
})

describe('the last run', () => {
  const hourMs = 3_600_000
  const nowMs = Date.parse('2026-11-23T12:00:00Z')
  const audits = (...hoursAgo: number[]) =>
    hoursAgo.map(hours => ({ command: 'audit', endedMs: nowMs - hours * hourMs, exitCode: 1 }) as RunRow)

  test.each([
    ['none yet', [], 'not-proven', /knows no audit yet/],
    ['only a verify', [{ command: 'verify', endedMs: nowMs } as RunRow], 'not-proven', /knows no audit yet/],
    ['tonight', audits(58, 34, 10), 'good', /2026-11-23T02:00:00.000Z, 10 h ago, with exit code 1/],
    ['a night was missed', audits(99, 75, 51), 'not-proven', /2 days ago.*every 24 h/],
    ['one day after a week of events', audits(29, 28, 27, 26.5), 'not-proven', /every 1 h/],
    ['weekly', audits(24 * 21, 24 * 14, 24 * 7), 'good', /7 days ago/],
    ['weekly, and two are missing', audits(24 * 29, 24 * 22, 24 * 15), 'not-proven', /every 7 days/],
    ['the second night', audits(26), 'good', /26 h ago/],
    ['the first night, long ago', audits(27), 'not-proven', /27 h ago/],
  ] as const)('%s', (_, runs, outcome, message) => {
    const answer = lastRunAnswer(runs, nowMs)
    expect(answer.outcome).toBe(outcome)
    expect(answer.message).toMatch(message)
  })
})
