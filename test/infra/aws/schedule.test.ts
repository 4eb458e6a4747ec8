/** Schedule expressions, and the window in which a missed run is looked for. */
import { describe, expect, it, test } from 'vitest'
import { firesBetween } from '../../../infra/aws/lib/cron.ts'
import { heartbeatWindow } from '../../../infra/aws/lib/heartbeat-window.ts'

const minutes = (iso: string) => Date.parse(iso) / 60_000
const fires = (expression: string, from: string, to: string) =>
  firesBetween(expression, minutes(from), minutes(to)).map(at => new Date(at * 60_000).toISOString().slice(0, 16))

describe('firesBetween', () => {
  test.each([
    ['cron(30 1 * * ? *)', ['2026-11-23T01:30', '2026-11-24T01:30']],
    ['cron(0 1 ? * MON *)', ['2026-11-23T01:00']],
    ['cron(0 1 ? * 2 *)', ['2026-11-23T01:00']],
    ['cron(0 1 24 11 ? 2026)', ['2026-11-24T01:00']],
    ['cron(0 1 24 nov ? 2026-2027)', ['2026-11-24T01:00']],
    ['cron(0 1 24 11 ? 2027)', []],
    ['cron(0 0/12 * * ? *)', ['2026-11-23T00:00', '2026-11-23T12:00', '2026-11-24T00:00', '2026-11-24T12:00']],
    ['cron(0 3,5 ? * TUE-FRI *)', ['2026-11-24T03:00', '2026-11-24T05:00']],
    ['rate(1 day)', ['2026-11-23T00:00', '2026-11-24T00:00']],
    ['rate(18 hours)', ['2026-11-23T00:00', '2026-11-23T18:00', '2026-11-24T12:00']],
  ])('%s', (expression, expected) => {
    expect(fires(expression, '2026-11-23T00:00Z', '2026-11-25T00:00Z')).toEqual(expected)
  })

  test.each([
    ['cron(0 1 L * ? *)', ['2026-11-30T01:00']],
    ['cron(0 1 LW * ? *)', ['2026-11-30T01:00']],
    ['cron(0 1 15W * ? *)', ['2026-11-16T01:00']],
    ['cron(0 1 1W * ? *)', ['2026-11-02T01:00']],
    ['cron(0 1 ? * MON#3 *)', ['2026-11-16T01:00']],
    ['cron(0 1 ? * 6L *)', ['2026-11-27T01:00']],
    ['cron(0 1 ? * L *)', ['2026-11-07T01:00', '2026-11-14T01:00', '2026-11-21T01:00', '2026-11-28T01:00']],
  ])('%s', (expression, expected) => {
    expect(fires(expression, '2026-11-01T00:00Z', '2026-12-01T00:00Z')).toEqual(expected)
  })

  test.each([
    ['cron(nonsense)', /6 are needed/],
    ['cron(0 1 * * *)', /has 5 fields/],
    ['cron(0 1 * * * *)', /exactly one/],
    ['cron(0 1 ? * ? *)', /exactly one/],
    ['cron(0 24 * * ? *)', /"24" in the field hours/],
    ['cron(60 1 * * ? *)', /"60" in the field minutes/],
    ['cron(0 1 32 * ? *)', /day of month/],
    ['cron(0 1 ? * FUNDAY *)', /day of week/],
    ['cron(0 5-3 * * ? *)', /"5-3"/],
    ['cron(0/0 1 * * ? *)', /"0\/0"/],
    ['rate(0 days)', /is no schedule/],
    ['rate(1 fortnight)', /is no schedule/],
    ['at(2026-11-23T01:00:00)', /fires once/],
    ['0 1 * * *', /is no schedule/],
  ])('refuses %s', (expression, fault) => {
    expect(() => fires(expression, '2026-11-23T00:00Z', '2026-11-25T00:00Z')).toThrow(fault)
  })
})

describe('heartbeatWindow', () => {
  const window = (expression: string, timeZone = 'UTC', hours = 8) =>
    heartbeatWindow({ expression, timeZone, allowanceSeconds: hours * 3_600 })

  it('slides by the longest gap, the time of a run, and the hour of a changed clock', () => {
    expect(window('cron(0 1 * * ? *)')).toEqual({ kind: 'sliding', seconds: 32 * 3_600, timeZone: 'UTC' })
    expect(window('cron(0 1 * * ? *)', 'Europe/Berlin').seconds).toBe(33 * 3_600)
    // Monday to Friday: over the weekend three days.
    expect(window('cron(0 1 ? * MON-FRI *)').seconds).toBe((72 + 8) * 3_600)
    expect(window('cron(0 1,13 * * ? *)').seconds).toBe((12 + 8) * 3_600)
    expect(window('rate(6 hours)').seconds).toBe((6 + 8) * 3_600)
  })

  it('judges a weekly run by calendar weeks, for it does not fit into seven sliding days', () => {
    const week = { kind: 'calendar-week', seconds: 604_800, timeZone: 'Europe/Berlin' }
    expect(window('cron(0 1 ? * WED *)', 'Europe/Berlin')).toEqual(week)
    expect(window('cron(0 1 ? * SUN *)', 'Europe/Berlin')).toEqual(week)
  })

  test.each([
    // Sunday 22:00 + 8 h ends in the next week.
    ['cron(0 22 ? * SUN *)', 'UTC', /calendar week/],
    ['cron(0 22 ? * SAT *)', 'UTC', /calendar week/],
    ['cron(0 1 1 * ? *)', 'UTC', /31 days between/],
    ['cron(0 1 1,8,15,22 * ? *)', 'UTC', /10 days between/],
    ['rate(8 days)', 'UTC', /8 days between/],
    ['cron(0 1 30 2 ? *)', 'UTC', /fires never/],
    ['cron(0 1 * * ? *)', 'Europe/Berlinn', /no time zone/],
    ['cron(0 1 * * ? *)', '+01:00', /no time zone/],
    ['cron(0 1 * * ? *)', '', /no time zone/],
  ])('refuses %s in %s', (expression, timeZone, fault) => {
    expect(() => window(expression, timeZone)).toThrow(fault)
  })
})
