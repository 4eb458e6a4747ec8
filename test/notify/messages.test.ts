/** What is said to whom, word for word. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Ending, pingText, pingUrl, runUuid, webhookDocument } from '../../src/notify/messages.ts'
import { goodRun } from '../support/runs.ts'

const ending: Ending = {
  runId: '20261123T020000Z-0a1b2c3d',
  command: 'audit',
  repository: { name: 'prod', url: 's3://bucket/base' },
  version: '1.2.3',
  endedAt: '2026-11-23T02:31:00.000Z',
  exit: { code: 1, applies: [1, 4], reason: '2 findings of severity error' },
  run: null,
  report: { file: '/runs/x/report.html', url: 's3://reports/x/report.html' },
}

it('the address of a ping is extended before its query, and the run is its rid', () => {
  const rid = `rid=${runUuid('r')}`
  expect(pingUrl('https://hc.example/ID', 'start', 'r').href).toBe(`https://hc.example/ID/start?${rid}`)
  expect(pingUrl('https://hc.example/ID/', 'fail', 'r').href).toBe(`https://hc.example/ID/fail?${rid}`)
  expect(pingUrl('https://hc.example/key/slug?create=1', null, 'r').href).toBe(
    `https://hc.example/key/slug?create=1&${rid}`,
  )
  expect(pingUrl('https://hc.example/ID', 'log', null).href).toBe('https://hc.example/ID/log')
})

it('rid is a UUID of version 5, the same for the same run alone', () => {
  // python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, "snapproof:20261123T020000Z-0a1b2c3d"))'
  expect(runUuid('20261123T020000Z-0a1b2c3d')).toBe('beea65c6-560e-5775-92ff-a29aafd1cef1')
  expect(runUuid('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(runUuid('a')).not.toBe(runUuid('b'))
})

it('a ping says exit code and reason, and where the report is', () => {
  expect(pingText(ending)).toBe(
    'exit code 1: 2 findings of severity error\nrepository: prod\nrun: 20261123T020000Z-0a1b2c3d\nreport: s3://reports/x/report.html\n',
  )
  const nothing = { ...ending, runId: null, report: null, exit: { ...ending.exit, reason: 'x'.repeat(5000) } }
  expect(pingText(nothing)).toBe(`exit code 1: ${'x'.repeat(1000)}…\nrepository: prod\n`)
})

it('the document of the webhook', () => {
  const run = goodRun()
  expect(webhookDocument({ ...ending, run })).toEqual({
    schemaVersion: 1,
    event: 'run-ended',
    text: 'Snapproof, prod: exit code 1: 2 findings of severity error',
    runId: '20261123T020000Z-0a1b2c3d',
    command: 'audit',
    repository: { name: 'prod', url: 's3://bucket/base' },
    tool: { version: '1.2.3' },
    startedAt: run.startedAt,
    endedAt: '2026-11-23T02:31:00.000Z',
    exit: { code: 1, applies: [1, 4], reason: '2 findings of severity error' },
    counts: {
      snapshots: run.snapshots.length,
      restores: { pass: run.restores.length, fail: 0, inconclusive: 0 },
      findings: { error: 0, warning: 0, information: 0 },
      accepted: 0,
      debt: { contents: run.debt.contents, overdue: run.debt.overdue },
    },
    report: { file: '/runs/x/report.html', url: 's3://reports/x/report.html' },
  })
  expect(run.restores.length).toBeGreaterThan(0)
  // A command that came to nothing has counted nothing: null is unknown, and no zero stands for it.
  expect(webhookDocument({ ...ending, report: null })).toMatchObject({ counts: null, startedAt: null, report: null })
})

it('the README shows the document as it is', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8')
  const shown: unknown = JSON.parse(
    /```json\n(\{\n {2}"schemaVersion": 1,\n {2}"event"[^`]*)```/.exec(readme)?.[1] ?? 'null',
  )
  expect(shapeOf(shown)).toEqual(shapeOf(webhookDocument({ ...ending, run: goodRun() })))
})

/** Names and kinds of the members, in order. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return ['…']
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.entries(value).map(([name, member]) => [name, shapeOf(member)])
}
