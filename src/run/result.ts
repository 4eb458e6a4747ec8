/** Puts a run together: one value from which reports are drawn and which the ledger remembers. Pure. */
import type { CheckResult } from '../check/result.ts'
import { configurationHash } from '../config/configurationHash.ts'
import type { Ledger } from '../ledger/port.ts'
import { type Finding, findingCodes } from '../model/finding.ts'
import type { JournalRow } from '../model/journal.ts'
import type { ContentRecord, DebtItem } from '../model/plan.ts'
import type { RestoreRow, RunResult, SelfCheck } from '../model/run.ts'
import type { Reason } from '../model/verdict.ts'
import { findDebt, isProven } from '../plan/debt.ts'
import { restoreTimeOf } from '../plan/restoreTime.ts'
import { isoTime } from '../time.ts'
import type { AuditOptions } from './audit.ts'
import { compareWithPast } from './baselines.ts'
import { datedSnapshots } from './dated.ts'
import type { RunDependencies } from './dependencies.ts'
import { sampleOf } from './draw.ts'
import { enginesNeeded } from './engineNeeds.ts'
import { howLimits, limitsOfProof } from './limitsOfProof.ts'
import { countUnfinished, isUnread, isUnseen } from './openSnapshots.ts'
import { exitOf, sortAccepted, summarizeDebt } from './outcome.ts'
import { unaskedContents, withRules } from './ruledRun.ts'
import { historyOf, journalRows } from './runRows.ts'
import type { SavedRules } from './savedRules.ts'
import { newestOf, summarize } from './snapshotSummary.ts'
import { standingRows } from './standingRows.ts'
import type { Survey } from './survey.ts'
import { countFailedBefore, hitsOldestFirst, identityFindings, toldOnce, withoutExpired } from './toldFindings.ts'
import { type JudgedSnapshot, judgeSnapshots, lastGoodOf, verdictRows } from './verdicts.ts'
import type { WorkResult } from './work.ts'

export interface ResultInput {
  readonly dependencies: Pick<RunDependencies, 'config' | 'tool' | 'runId' | 'counts' | 'image' | 'role'>
  readonly options: AuditOptions
  readonly survey: Survey
  readonly ledger: Pick<Ledger, 'runs' | 'lastIdentity' | 'answers' | 'measures' | 'mappings'> & {
    readonly warnings: readonly string[]
  }
  readonly startedMs: number
  readonly endedMs: number
  readonly restores: readonly RestoreRow[]
  readonly work: Pick<WorkResult, 'findings' | 'left'>
  /** With the proofs as they are after the work. */
  readonly contents: readonly ContentRecord[]
  readonly finalGeneration: number
  readonly expired: ReadonlySet<string>
  readonly engines: RunResult['engines']
  /** Debt before the run, where the survey came after it; absent: as the survey saw it. */
  readonly contentsBefore?: number
  readonly array?: RunResult['array']
  readonly selfCheck?: SelfCheck
  /** Why the run could not do its work; null: it did. */
  readonly trouble: string | null
  readonly phases: RunResult['stats']['phases']
}

/** Index rows of verdicts beyond this many are left out unless they fail. */
const maxIndexRows = 20_000
const historyRuns = 90

export interface ConcludedRun {
  readonly result: RunResult
  /** What it leaves in the ledger. */
  readonly rows: JournalRow[]
  /** Null: no rule is configured. */
  readonly savedRules: SavedRules | null
}

export function concludeRun(input: ResultInput): ConcludedRun {
  const { dependencies, survey, options, endedMs } = input
  const { config, tool, runId, counts } = dependencies
  const { repositoryData } = survey.catalogue
  const { policy } = config
  const contents = withoutExpiredHolders(input)
  const snapshots = datedSnapshots(repositoryData.snapshots, survey.checked)
  const plainly = judgeSnapshots({
    repository: repositoryData,
    checked: survey.checked,
    contents,
    workFindings: input.work.findings,
    left: leftReasons(input),
    expired: input.expired,
    policy,
    runId,
    checkedAtMs: survey.checkedAtMs,
    nowMs: endedMs,
  })
  const ruled = withRules(plainly, {
    rules: config.rules,
    repository: repositoryData,
    policy,
    expired: input.expired,
    ledger: input.ledger,
  })
  const { judged } = ruled
  const nameOf = new Map(repositoryData.snapshots.map(snapshot => [snapshot.uuid, snapshot.name]))
  const seen = toldOnce(survey.checked.findings, input.work.findings)
  const baselines = compareWithPast(repositoryData, snapshots, input.ledger, config.baselines)
  const ofLedger = [...identityFindings(input.ledger, repositoryData.identity.clusterId), ...baselines.findings]
  const all = [...seen, ...ofLedger, ...ruled.findings].flatMap(finding =>
    withoutExpired(finding, input.expired).map(one => hitsOldestFirst(one, snapshots)),
  )
  const { findings, accepted } = sortAccepted(all, policy.accepted, uuid => nameOf.get(uuid) ?? uuid, endedMs)
  const at = { snapshots, policy, startMs: survey.startMs, nowMs: endedMs }
  const unasked = unaskedContents(contents, snapshots, config.rules, policy, input.ledger, endedMs)
  const debtInput = { ...at, contents, unasked }
  const debt = findDebt(debtInput)
  const { restores } = input
  // What was drawn and needed no proof brings nobody nearer to the end of the debt.
  const drawn = new Set(survey.draw?.contents.map(({ contentId }) => contentId))
  const worksOff = ({ verdict, kind, contentId }: RestoreRow) =>
    verdict === 'pass' && !(kind === 'refresh' && drawn.has(contentId))
  const provenNow = restores.filter(worksOff).length
  const contentsBefore = input.contentsBefore ?? findDebt({ ...at, contents: survey.contents }).length
  const firstSeen = (item: DebtItem) =>
    Math.min(...item.content.snapshots.map(position => snapshots[position]?.endedMs ?? endedMs))
  const summary = summarizeDebt(debt, contentsBefore, provenNow, firstSeen, endedMs)
  const failedBefore = countFailedBefore(judged, [...findings, ...accepted.map(entry => entry.finding)])
  const unfinished = options.only === null ? 0 : countUnfinished(input, judged, restores, options.only)
  const { overdue } = summary
  const trouble = input.trouble
  const result: RunResult = {
    schemaVersion: 1,
    runId,
    command: options.command,
    tool,
    identity: {
      configuration: configurationHash(config),
      image: dependencies.image ?? null,
      role: dependencies.role ?? null,
    },
    repository: { ...repositoryData.identity, name: config.repository.name, url: config.repository.url },
    finalGeneration: input.finalGeneration,
    startedAt: isoTime(input.startedMs),
    endedAt: isoTime(endedMs),
    seconds: (endedMs - input.startedMs) / 1000,
    exit: exitOf({
      findings,
      failedBefore,
      overdue,
      unseen: judged.filter(isUnseen).length,
      unread: options.only === null ? judged.filter(one => isUnread(one, policy, survey.startMs, endedMs)).length : 0,
      unfinished,
      unjudgedRules: findings.filter(({ code }) => code === 'rule-not-judged').length,
      trouble,
      failOn: config.failOn,
    }),
    policy: {
      startAt: isoTime(survey.startMs),
      restoreNewestWithinDays: policy.restoreNewestWithinDays,
      restoreEveryContentWithinDays: policy.restoreEveryContentWithinDays,
      credit: policy.credit,
    },
    limits: options.limits,
    forecast: survey.forecast,
    engines: input.engines.map(({ name, kind, product, version, egressBlocked }) => ({
      name,
      kind,
      product,
      version,
      egressBlocked,
    })),
    snapshots: judged.map(snapshot => summarize(snapshot, survey)),
    verdicts: verdictRows(judged, maxIndexRows),
    findings,
    accepted,
    lastGood: lastGoodOf(withoutAccused(judged, findings), repositoryData),
    restores,
    ...(input.array === undefined ? {} : { array: input.array }),
    debt: summary,
    ...(ruled.run === null ? {} : { rules: ruled.run }),
    baselines: baselines.summary,
    ...(survey.draw === null ? {} : { sample: sampleOf(survey.draw, restores, seen) }),
    contents: {
      total: contents.length,
      proven: countProven(contents, survey.checked, { policy, nowMs: endedMs }),
    },
    ...(input.selfCheck === undefined ? {} : { selfCheck: input.selfCheck }),
    history: historyOf(input.ledger.runs(historyRuns)),
    stats: {
      requests: { list: counts.list, get: counts.get, head: counts.head, put: counts.put, delete: counts.delete },
      bytesRead: counts.bytesRead,
      bytesRestored: restores.reduce((sum, row) => sum + (row.attempts > 0 ? row.bytes : 0), 0),
      phases: input.phases,
    },
    restoreTime: restoreTimeOf({
      restores,
      newest: newestOf(judged.map(snapshot => summarize(snapshot, survey))),
      parallel: config.work.contents,
      targetSeconds: policy.restoreWholeWithinSeconds ?? null,
    }),
    limitsOfProof: [...enginesNeeded(input.survey), ...limitsOfProof(input.engines), ...howLimits(restores)],
  }
  const rows = [...standingRows(judged, result.lastGood, runId, endedMs), ...journalRows(result)]
  return { result, rows, savedRules: ruled.saved }
}

/** What restores and is not what was meant to be kept is no good restore point. */
function withoutAccused(judged: readonly JudgedSnapshot[], findings: readonly Finding[]): JudgedSnapshot[] {
  const accused = new Set(
    findings
      .filter(({ code, severity }) => severity === 'error' && 'restores' in findingCodes[code])
      .flatMap(({ snapshots, index }) => snapshots.map(uuid => JSON.stringify([uuid, index]))),
  )
  return judged.map(one => ({
    ...one,
    copies: one.copies.filter(({ copy }) => !accused.has(JSON.stringify([one.entry.uuid, copy.indexName]))),
  }))
}

/** What was restored once and is known to be bad since is not proven. */
export function countProven(
  contents: readonly ContentRecord[],
  { snapshots }: CheckResult,
  at: Parameters<typeof isProven>[1],
): number {
  const bad = new Set<string>()
  for (const { copies } of snapshots)
    for (const { indexId, contentId, byteProof } of copies)
      if (byteProof?.verdict === 'fail') bad.add(`${indexId} ${contentId}`)
  return contents.filter(content => isProven(content, at) && !bad.has(`${content.indexId} ${content.contentId}`)).length
}

/** What was deleted while the run was going on owes nothing any more. */
function withoutExpiredHolders({ contents, expired, survey }: ResultInput): readonly ContentRecord[] {
  if (expired.size === 0) return contents
  const { snapshots: entries } = survey.catalogue.repositoryData
  return contents.flatMap(content => {
    const snapshots = content.snapshots.filter(position => !expired.has(entries[position]?.uuid ?? ''))
    return snapshots.length === 0 ? [] : [{ ...content, snapshots }]
  })
}

function leftReasons({ survey, work }: ResultInput): Map<string, Reason> {
  const left = new Map<string, Reason>()
  for (const { item, reason } of survey.plan.left) left.set(`${item.content.indexId} ${item.content.contentId}`, reason)
  for (const { indexId, contentId, reason } of work.left) left.set(`${indexId} ${contentId}`, reason)
  return left
}
