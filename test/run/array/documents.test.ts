import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSnapproofError } from '../../../src/errors.ts'
import type { OpenPlan } from '../../../src/model/openPlan.ts'
import { parseContent, parsePlan } from '../../../src/run/array/documents.ts'
import { folderOfPlan } from '../../../src/run/array/folder.ts'
import { partFor } from '../../../src/run/array/part.ts'
import { snapshotEntry } from '../../support/contents.ts'

const content = (number: number, rest: object = {}) => ({
  number,
  contentId: `c${number}`,
  createdVersion: 8_536_000,
  bytes: 10,
  files: 2,
  witness: 'w',
  kind: 'never' as const,
  from: 1,
  heldBy: [[0, 1]] as [number, number][],
  ...rest,
})
const plan: OpenPlan = {
  schemaVersion: 1,
  runId: '20261123T020000Z-0123abcd',
  createdMs: 1_795_399_200_000,
  deadlineSeconds: 3600,
  toolVersion: '0.1.0',
  repository: { name: 'test', url: 's3://bucket/base', uuid: 'u', generation: 5 },
  credit: 'shared',
  limits: { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null },
  engines: [{ name: 'es', product: 'elasticsearch', version: '9.5.3' }],
  forecast: {
    snapshots: 2,
    contents: 2,
    groups: 1,
    restoreBytes: 20,
    fetchBytes: 20,
    fetchRequests: 2,
    diskBytes: 20,
    seconds: 1,
    basis: 'assumed',
  },
  debtContents: 2,
  snapshots: [
    { name: 'snapshot-0', uuid: 'UUID-0' },
    { name: 'snapshot-1', uuid: 'UUID-1' },
  ],
  children: [
    {
      forecastSeconds: 1,
      groups: [
        {
          indexName: 'logs',
          indexId: 'I',
          shardCount: 1,
          engine: 'es',
          contents: [content(0), content(1, { from: 0 })],
        },
      ],
    },
  ],
}
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const withContents = (contents: readonly object[], rest: object = {}) => ({
  ...plan,
  children: [{ forecastSeconds: 1, groups: [{ ...plan.children[0]?.groups[0], contents, ...rest }] }],
})

describe('a plan', () => {
  test('is read as it was written', () => {
    expect(parsePlan(bytes(plan), 'here')).toEqual(plan)
  })

  test.each([
    ['of a newer version', { ...plan, schemaVersion: 2 }, /schema version 2; this Snapproof knows version 1/],
    ['with a run id that is a path', { ...plan, runId: '../../x' }, /runId/],
    ['without contents', withContents([]), /no content/],
    ['that gives a content twice', withContents([content(0), content(0)]), /given twice/],
    ['that names a snapshot it does not list', withContents([content(0, { from: 2 })]), /does not list/],
    ['whose ranges are without end', withContents([content(0, { heldBy: [[0, 1e15]] })]), /does not list/],
    [
      'whose ranges go back',
      withContents([
        content(0, {
          heldBy: [
            [1, 1],
            [0, 0],
          ],
        }),
      ]),
      /out of order/,
    ],
    ['with an engine it does not describe', withContents([content(0)], { engine: 'os' }), /not among its engines/],
    ['with a child that has nothing', { ...plan, children: [{ forecastSeconds: 1, groups: [] }] }, /no group/],
    [
      'with more children than any queue takes',
      { ...plan, children: Array(10_001).fill(plan.children[0]) },
      /10001 children/,
    ],
  ])('%s is refused', (_, value, why) => {
    expect(() => parsePlan(bytes(value), 'here')).toThrow(why)
  })

  test('that is anything else is refused as configuration, and nothing else happens', () => {
    const text = JSON.stringify(plan)
    const change = fc.record({ at: fc.nat(text.length - 1), by: fc.string({ maxLength: 3 }), cut: fc.nat(20) })
    fc.assert(
      fc.property(change, ({ at, by, cut }) => {
        try {
          parsePlan(Buffer.from(text.slice(0, at) + by + text.slice(at + cut)), 'here')
        } catch (error) {
          expect(isSnapproofError(error, 'configuration')).toBe(true)
        }
      }),
      { seed: 20261123, numRuns: 2000 },
    )
  })

  test('lies at a URL that ends with its name', () => {
    expect(folderOfPlan('s3://bucket/a b/plan.json')).toBe('s3://bucket/a b')
    for (const url of ['', 'plan.json', 's3://bucket/', 's3://bucket/other.json'])
      expect(() => folderOfPlan(url)).toThrow(/no URL of a plan/)
  })
})

test('a result that is none is null', () => {
  for (const value of ['', '{', 'null', '[]', '{"schemaVersion":1}', '{"schemaVersion":2}'])
    expect(parseContent(Buffer.from(value))).toBeNull()
})

describe('the part of a machine', () => {
  const child = plan.children[0] as OpenPlan['children'][number]
  const repository = (uuids: readonly number[], ids: readonly string[] = ['I']) => ({
    identity: { uuid: 'u', clusterId: null, generation: 6, format: null },
    snapshots: uuids.map(position => snapshotEntry(position)),
    indices: ids.map(id => ({ name: 'logs', id, snapshots: new Int32Array(), shardGenerations: [], shardPathType: 0 })),
    indexMetadataBlobId: () => null,
  })

  test('is in the positions of the generation that it reads', () => {
    const part = partFor(child, plan, repository([1, 0]), () => false)
    const [first, second] = part.plan.groups[0]?.contents ?? []
    expect([first?.snapshot, second?.snapshot]).toEqual([0, 1])
    expect(first?.content.snapshots).toEqual([1, 0])
    expect([...part.numberOf.values()]).toEqual([0, 1])
    expect(part.left).toEqual([])
  })

  test('leaves what is finished, what is expired and what has moved', () => {
    expect(partFor(child, plan, repository([0, 1]), ({ number }) => number === 0).numberOf.size).toBe(1)
    const expired = partFor(child, plan, repository([0]), () => false)
    expect(expired.left).toEqual([{ number: 0, reason: 'expired' }])
    expect(expired.plan.groups[0]?.contents[0]?.content.snapshots).toEqual([0])
    const moved = partFor(child, plan, repository([0, 1], ['J']), () => false)
    expect(moved.left.map(({ reason }) => reason)).toEqual(['repository-moved', 'repository-moved'])
    expect(moved.plan.groups).toEqual([])
  })
})
