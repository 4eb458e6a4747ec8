/** What a run says of itself and of others: acceptances that ran out, other writers, a ledger that was lost, and the exit code. */
import { makeFinding } from '../../check/findings.ts'
import { exitCodes } from '../../errors.ts'
import type { Finding, FindingCode, Severity } from '../../model/finding.ts'
import { exitOf, sortAccepted } from '../outcome.ts'
import { identityFindings } from '../toldFindings.ts'
import type { Ground } from './ground.ts'
import type { Planted } from './planted.ts'

const nowMs = Date.UTC(2030, 0, 1)

export function told(ground: Ground): Planted[] {
  return [...acceptances(ground), ...identities(), ...exits(ground)]
}

function someError({ uuidOf }: Ground): Finding {
  const place = { key: 'indices/a/0/__a', snapshots: [uuidOf('night-1')], index: 'orders', shard: 0 }
  return makeFinding({ ...place, code: 'missing-data-blob', message: 'it is not there' })
}

function acceptances(ground: Ground): Planted[] {
  const error = someError(ground)
  const accepted = (change: object) => ({
    code: error.code,
    snapshot: 'night-1',
    index: 'orders',
    untilMs: nowMs + 1,
    reason: 'known',
    approver: 'somebody',
    ...change,
  })
  const nameOf = (uuid: string) => (uuid === ground.uuidOf('night-1') ? 'night-1' : uuid)
  const open = (change: object) => sortAccepted([error], [accepted(change)], nameOf, nowMs).findings
  const stays = (what: string, change: object): Planted => ({
    what: `an acceptance ${what} covers nothing`,
    code: error.code,
    ask: () => (open(change).some(({ id }) => id === error.id) ? [] : ['the finding was taken for accepted']),
  })
  return [
    {
      what: 'an acceptance that ran out',
      code: 'accepted-expired',
      ask: () =>
        expectOne(
          open({ untilMs: nowMs - 1 }).filter(({ id }) => id !== error.id),
          'accepted-expired',
          'warning',
        ),
    },
    stays('that ran out', { untilMs: nowMs - 1 }),
    stays('of another snapshot', { snapshot: 'night-2' }),
    stays('of another index', { index: 'customers' }),
    stays('of another code', { code: 'wrong-length' }),
    {
      what: 'an acceptance that holds',
      code: null,
      ask: () => open({}).map(({ code }) => `nothing was to be left open: ${code}`),
    },
  ]
}

function identities(): Planted[] {
  const last = { repositoryUuid: 'r', clusterId: 'ours', generation: 1 }
  const told = (clusterId: string | null, warnings: readonly string[]) =>
    identityFindings({ warnings, lastIdentity: () => last }, clusterId)
  return [
    {
      what: 'another cluster wrote last',
      code: 'foreign-writer',
      ask: () => expectOne(told('theirs', []), 'foreign-writer', 'information'),
    },
    {
      what: 'the ledger was rolled back',
      code: 'ledger-rolled-back',
      ask: () => expectOne(told('ours', ['it was gone']), 'ledger-rolled-back', 'warning'),
    },
    {
      what: 'the same cluster and the same ledger',
      code: null,
      ask: () => told('ours', []).map(({ code }) => `nothing was to be said: ${code}`),
    },
  ]
}

function exits(ground: Ground): Planted[] {
  const calm = {
    findings: [],
    failedBefore: 0,
    overdue: 0,
    unseen: 0,
    unfinished: 0,
    trouble: null,
    failOn: 'error',
  } as const
  const cases: readonly [string, Parameters<typeof exitOf>[0], number][] = [
    ['a calm night', calm, exitCodes.good],
    ['an error', { ...calm, findings: [someError(ground)] }, exitCodes.finding],
    ['a failure of an earlier night', { ...calm, failedBefore: 1 }, exitCodes.finding],
    ['trouble of our own', { ...calm, trouble: 'no server' }, exitCodes.couldNotWork],
    ['overdue debt', { ...calm, overdue: 1 }, exitCodes.debtBeyondPolicy],
    ['a snapshot that nobody could look at', { ...calm, unseen: 1 }, exitCodes.debtBeyondPolicy],
  ]
  return cases.map(([what, input, wanted]) => ({
    what: `exit code of ${what}`,
    code: null,
    ask: () => {
      const { code } = exitOf(input)
      return code === wanted ? [] : [`expected ${wanted}, got ${code}`]
    },
  }))
}

function expectOne(findings: readonly Finding[], code: FindingCode, severity: Severity): string[] {
  const got = findings.map(finding => `${finding.severity} ${finding.code}`).join(', ')
  return got === `${severity} ${code}` ? [] : [`expected ${severity} ${code}, got ${got || 'nothing'}`]
}
