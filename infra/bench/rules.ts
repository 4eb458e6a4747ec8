/**
 * The end of a steady night with rules and baselines: 5,000 snapshots of 40 indices, all proven long ago, are judged by six rules of the owner from the
 * answers that the ledger keeps, and each index is compared with its past. Nothing is restored. `--scale` divides the snapshots.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { loadConfig } from '../../src/config/load.ts'
import { openLedger } from '../../src/ledger/open.ts'
import type { LedgerSession } from '../../src/ledger/port.ts'
import { silentLog } from '../../src/log.ts'
import { type Answer, questionId } from '../../src/model/answers.ts'
import { keptMeasures, type Measure } from '../../src/model/baseline.ts'
import type { JournalRow } from '../../src/model/journal.ts'
import type { RepositoryData, SnapshotEntry } from '../../src/model/repository.ts'
import { compareWithPast } from '../../src/run/baselines.ts'
import { askedBy, withRules } from '../../src/run/ruledRun.ts'
import type { JudgedSnapshot, LevelMark } from '../../src/run/verdicts.ts'
import { systemClock } from '../../src/time.ts'
import type { Measurement } from './result.ts'

const indices = 40
/** An index changes with every so manyth snapshot: a snapshot adds 2.2 contents, as in `infra/local/cost-examples.ts`. */
const snapshotsOfAContent = 18
const hourMs = 3_600_000
const startMs = Date.UTC(2026, 0, 1)
/** Most that twice the snapshots may cost; what is quadratic takes four times as long. */
const doublingTarget = 3
const { signal } = new AbortController()

const rules = `rules:
  - { name: enough, index: '*', documents: { min: 5 } }
  - { name: types, index: '*', fields: { at: date } }
  - { name: filled, index: '*', filled: { field: customer, percent: 90 } }
  - { name: fresh, index: '*', newest: { field: at, within: 1d } }
  - { name: sum, index: 'index-1*', query: { body: { query: { range: { amount: { gte: 5 } } } }, hits: { min: 1 } } }
  - { name: complete, index: '*', indices: { present: [index-1], asBefore: true } }
baselines: { timeField: at }
`

export async function benchRules(scale: number, say: (text: string) => void): Promise<Measurement[]> {
  const rows: Measurement[] = []
  const totals: number[] = []
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-bench-rules-'))
  try {
    for (const part of [scale / 2, scale]) {
      const snapshots = Math.max(20, Math.round(5_000 * part))
      const name = `${snapshots} × ${indices}`
      say(name)
      const used = await night(join(folder, `${snapshots}`), snapshots)
      const row = (measure: string, value: number, unit: Measurement['unit']) =>
        rows.push({
          ...(part === scale ? { id: `rules-${measure}` } : {}),
          case: name,
          measure,
          value,
          unit,
          target: null,
        })
      row('judged by rules', used.rulesSeconds, 'seconds')
      row('answers saved for judge', used.savedBytes, 'bytes')
      row('compared with the past', used.baselinesSeconds, 'seconds')
      totals.push(used.rulesSeconds)
    }
    const [half = 0, whole = 0] = totals
    const value = whole / half
    rows.push({ case: 'twice the snapshots', measure: 'judged by rules', value, unit: 'ratio', target: doublingTarget })
    return rows
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function night(folder: string, count: number) {
  const file = `${folder}.yaml`
  const head = `repository: { name: bench, url: 'file:///nowhere' }\nledger: { sync: none }\nengines: [{ name: e, kind: maven, version: 9.5.3 }]\n`
  writeFileSync(file, head + rules)
  const config = await loadConfig({ file, environment: {} })
  const repository = repositoryOf(count)
  const ledger = await openLedger({
    repositoryName: 'bench',
    store: null,
    file: `${folder}.sqlite`,
    runId: 'bench',
    owner: 'bench',
    clock: systemClock,
    log: silentLog,
    leaseSeconds: 600,
    randomId: randomUUID,
    signal,
  })
  try {
    const asked = [...askedBy(config.rules)('index-1')].map(questionId)
    await ledger.journal('bench', knownRows(repository.snapshots, asked), signal)
    return measureNight(repository, ledger, config)
  } finally {
    await ledger.close()
  }
}

function measureNight(
  repository: RepositoryData,
  ledger: LedgerSession,
  { rules: own, policy, baselines }: Awaited<ReturnType<typeof loadConfig>>,
) {
  const judged = repository.snapshots.map((entry, at) => judgedSnapshot(entry, at))
  const start = performance.now()
  const ruled = withRules(judged, { rules: own, repository, policy, expired: new Set(), ledger })
  const savedBytes = JSON.stringify(ruled.saved).length
  const rulesSeconds = (performance.now() - start) / 1000
  const places = ruled.run?.rules.reduce((sum, { judged: one }) => sum + one.pass + one.fail + one.inconclusive, 0) ?? 0
  if (places < repository.snapshots.length * indices * 4) throw new Error(`only ${places} places were judged`)
  const compareStart = performance.now()
  const { summary } = compareWithPast(repository, repository.snapshots, ledger, baselines)
  const baselinesSeconds = (performance.now() - compareStart) / 1000
  if (summary.judged !== indices) throw new Error(`${summary.judged} indices were compared`)
  return { rulesSeconds, savedBytes, baselinesSeconds }
}

const contentOf = (index: number, at: number) => `content-${index}-${Math.floor((at + index) / snapshotsOfAContent)}`

function repositoryOf(count: number): RepositoryData {
  const snapshots = Array.from({ length: count }, (_, at): SnapshotEntry => {
    const endedMs = startMs + at * hourMs
    const named = { name: `snapshot-${at}`, uuid: `uuid-${at}`, state: 'SUCCESS', slmPolicy: null } as const
    return { ...named, version: '9.5.3', indexVersion: null, startedMs: endedMs - 60_000, endedMs }
  })
  return {
    identity: { uuid: 'repository', clusterId: 'cluster', generation: 1, format: '7.12.0' },
    snapshots,
    indices: Array.from({ length: indices }, (_, index) => ({
      name: `index-${index}`,
      id: `id-${index}`,
      snapshots: Int32Array.from(snapshots, (_entry, at) => at),
      shardGenerations: [],
      shardPathType: 0,
    })),
    indexMetadataBlobId: () => null,
  }
}

function judgedSnapshot(entry: SnapshotEntry, at: number): JudgedSnapshot {
  const mark: LevelMark = {
    mark: { verdict: 'pass', reason: 'proven' },
    method: 'restore',
    provenMs: startMs,
    creditedFrom: null,
  }
  const levels = { catalogue: mark, presence: mark, bytes: mark, restore: mark }
  const copies = Array.from({ length: indices }, (_, index) => ({
    levels,
    copy: {
      snapshot: at,
      index,
      indexName: `index-${index}`,
      indexId: `id-${index}`,
      contentId: contentOf(index, at),
      bytes: 1_000_000,
      obstacle: null,
      catalogue: mark.mark,
      presence: mark.mark,
    },
  }))
  const checked = { snapshot: at, info: null, obstacle: null, copies: copies.map(({ copy }) => copy) }
  return { entry, checked: checked as unknown as JudgedSnapshot['checked'], levels, copies }
}

/** Answers of every content, and what is kept of the past of each index. */
function knownRows(snapshots: readonly SnapshotEntry[], asked: readonly string[]): JournalRow[] {
  const rows: JournalRow[] = []
  for (let index = 0; index < indices; index++) {
    const known = new Set<string>()
    const measures: Measure[] = []
    for (const [at, { name, uuid, endedMs }] of snapshots.entries()) {
      const contentId = contentOf(index, at)
      const place = { runId: 'bench', contentId, indexId: `id-${index}`, snapshotUuid: uuid, atMs: endedMs ?? 0 }
      const grown = { documents: 1000 + at, bytes: 1_000_000 + at, sequence: 1000 + at, fields: 3, mapping: null }
      const rest = { metadataKey: null, resting: null, judged: true }
      const of = { index: `index-${index}`, indexId: `id-${index}`, contentId }
      measures.push({ ...of, ...grown, ...rest, snapshot: name, snapshotUuid: uuid, endedMs: endedMs ?? 0 })
      if (known.has(contentId)) continue
      known.add(contentId)
      for (const question of asked) {
        const answer = JSON.stringify(answerTo(question, endedMs ?? 0))
        rows.push({ ...place, kind: 'answer', question, answered: true, answer })
      }
    }
    const kept = keptMeasures(measures)
    for (const measure of measures)
      if (kept.has(measure.snapshotUuid))
        rows.push({ ...measure, kind: 'measure', runId: 'bench', atMs: measure.endedMs })
  }
  return rows
}

function answerTo(question: string, endedMs: number): Answer {
  if (question.startsWith('documents')) return { status: 'answered', value: { documents: 1000 } }
  if (question.startsWith('field-type')) return { status: 'answered', value: { type: 'date' } }
  if (question.startsWith('filled')) return { status: 'answered', value: { documents: 10, filled: 9, type: 'keyword' } }
  if (question.startsWith('times'))
    return { status: 'answered', value: { oldestMs: startMs, newestMs: endedMs - 600_000, type: 'date' } }
  return { status: 'answered', value: { hits: 3, value: null, what: 'not-asked' } }
}
