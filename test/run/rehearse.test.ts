/** A rehearsal by restore: what counts as restored, and that nobody else hears of it. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { RestoreRow } from '../../src/model/run.ts'
import type { VerdictRow } from '../../src/model/verdict.ts'
import type { RehearsedSnapshot } from '../../src/plan/rehearse.ts'
import { rehearsalConfig, restoredOf } from '../../src/run/rehearse.ts'

const nine = { product: 'elasticsearch', version: '9.5.3' } as const
const index = { index: 'logs', createdBy: null, outcome: 'survives', reason: '' } as const
const snapshot = (over: Partial<RehearsedSnapshot> = {}): RehearsedSnapshot => ({
  name: 'night',
  uuid: 'u1',
  takenBy: null,
  outcome: 'survives',
  indices: [index],
  ...over,
})
const restore = (over: Partial<RestoreRow> = {}) =>
  ({
    index: 'logs',
    snapshot: 'night',
    snapshotUuid: 'u1',
    creditedTo: [],
    verdict: 'pass',
    reason: 'proven',
    message: '',
    engine: 'elasticsearch 9.5.3',
    ...over,
  }) as unknown as RestoreRow
const verdict = (over: Partial<VerdictRow> = {}) =>
  ({ uuid: 'u1', index: 'logs', level: 'restore', verdict: 'pass', reason: 'proven', ...over }) as VerdictRow
const told = (restores: RestoreRow[], verdicts: VerdictRow[], snapshots = [snapshot()]) =>
  restoredOf(snapshots, { restores, verdicts }, nine).map(one => [one.verdict, one.reason, one.message].join(' '))

test('only a restore by that engine is a pass', () => {
  expect(told([restore()], [verdict()])).toEqual(['pass  '])
  expect(told([restore()], [])).toEqual(['pass  '])
  expect(told([restore({ snapshotUuid: 'u0', snapshot: 'other', creditedTo: ['night'] })], [])).toEqual(['pass  '])
  const others: readonly (readonly [RestoreRow[], VerdictRow[]])[] = [
    [[], []],
    [[], [verdict()]],
    [[restore({ engine: 'elasticsearch 8.19.0' })], [verdict()]],
    [[restore({ snapshotUuid: 'u0', snapshot: 'other' })], [verdict()]],
    [[restore({ index: 'other' })], []],
    [[restore()], [verdict({ verdict: 'fail', reason: 'lower-level-failed' })]],
    [[restore({ verdict: 'fail', reason: 'found', message: 'no' })], [verdict()]],
  ]
  expect(others.flatMap(([restores, verdicts]) => told(restores, verdicts))).toEqual([
    ...Array(5).fill('inconclusive  it was not restored'),
    'fail lower-level-failed ',
    'fail found no',
  ])
})

test('what the metadata let die is told by them', () => {
  const dead = { ...index, index: 'old', outcome: 'dies' } as const
  expect(told([restore()], [], [snapshot({ indices: [dead, index] })])).toEqual(['pass  '])
})

test('no ledger, chain, store, topic or CloudWatch hears of it', async () => {
  const file = join(import.meta.dirname, '../../config/snapproof.example.yaml')
  const config = await loadConfig({ file, environment: {}, overrides: {} })
  const [engine] = config.engines
  if (engine === undefined) throw new Error('the example has no engine')
  const alone = rehearsalConfig(config, engine, '/tmp/ledger.sqlite')
  expect(alone).toMatchObject({
    repository: { name: `${config.repository.name}-rehearsal` },
    ledger: { store: null, file: '/tmp/ledger.sqlite' },
    output: { store: null },
    metrics: { enabled: false },
    notify: { topicArn: null, ping: { url: null }, webhook: { url: null, headerVariable: null } },
    seal: null,
    engines: [engine],
  })
  // Who adds a way to tell others decides here whether rehearsals are told.
  expect(Object.keys(config).sort()).toEqual([
    'baselines',
    'costs',
    'engines',
    'failOn',
    'ledger',
    'limits',
    'metrics',
    'notify',
    'output',
    'policy',
    'repository',
    'rules',
    'seal',
    'work',
  ])
  expect(Object.keys(config.notify).sort()).toEqual(['endpointUrl', 'ping', 'plainHttp', 'topicArn', 'webhook'])
})
