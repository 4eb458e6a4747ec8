/** What each member of `run.json` must look like. */
import { exitCodes } from '../errors.ts'
import { baselineKinds } from '../model/baseline.ts'
import { kmsUses, transferRoutes } from '../model/cost.ts'
import { levels } from '../model/verdict.ts'
import {
  amount,
  arrayOf,
  bool,
  type Check,
  object,
  oneOf,
  orAbsent,
  orNull,
  recordOf,
  string,
  time,
  whole,
} from './shape.ts'

const verdict = oneOf('pass', 'fail', 'inconclusive', 'not-applicable')
const judged = oneOf('pass', 'fail', 'inconclusive')
const severity = oneOf('error', 'warning', 'information')
const level = oneOf(...levels)
const method = orNull(oneOf('read', 'listing', 'store-computed', 'store-recorded', 'restore', 'chained'))
const debtKinds = ['failed', 'overdue', 'newest', 'lapsed', 'never', 'refresh'] as const
const debtKind = oneOf(...debtKinds)
const exitCode = oneOf(...Object.values(exitCodes))
// Codes of findings and reasons grow with additions, so a newer one is let through and drawn by its own name.
const code = string
const reason = string

export const findingShape = object({
  id: string,
  code,
  severity,
  key: orNull(string),
  snapshots: arrayOf(string),
  index: orNull(string),
  shard: orNull(whole),
  message: string,
  advice: string,
})

const snapshot = object({
  name: string,
  uuid: string,
  state: orNull(oneOf('IN_PROGRESS', 'SUCCESS', 'FAILED', 'PARTIAL', 'INCOMPATIBLE')),
  startedAt: orNull(time),
  endedAt: orNull(time),
  indices: amount,
  bytes: amount,
  levels: object(Object.fromEntries(levels.map(name => [name, orAbsent(object({ verdict, reason }))]))),
  contentsProven: amount,
  contents: amount,
  chosen: bool,
})

const verdictRow = object({
  snapshot: string,
  uuid: string,
  index: orNull(string),
  level,
  verdict,
  reason,
  method,
  provenAt: orNull(time),
  creditedFrom: orNull(string),
})

const restore = object({
  contentId: string,
  index: string,
  snapshot: string,
  snapshotUuid: string,
  creditedTo: arrayOf(string),
  kind: debtKind,
  verdict,
  reason,
  message: string,
  engine: string,
  attempts: amount,
  shards: amount,
  files: amount,
  bytes: amount,
  expectedDocs: orNull(amount),
  foundDocs: orNull(amount),
  seconds: object({ mirror: amount, restore: amount, questions: amount }),
  evidence: orNull(string),
  method: orAbsent(oneOf('restore', 'chained')),
  source: orAbsent(oneOf('mirror', 's3')),
  chain: orAbsent(object({ link: amount, over: string, predictedReusedBytes: amount, reusedBytes: amount })),
})

const restorePhase = object({ seconds: amount, bytesPerSecond: orNull(amount) })

const usage = object({
  list: amount,
  put: amount,
  reads: recordOf(object({ requests: amount, bytes: amount })),
  seconds: amount,
})
const usageAndBill = {
  usage,
  bill: object({
    lines: arrayOf(
      object({
        line: string,
        quantity: amount,
        unit: oneOf('requests', 'GB', 'hours'),
        per: amount,
        usd: orNull(amount),
        amount: orNull(amount),
      }),
    ),
    usd: amount,
    unknown: arrayOf(string),
  }),
}
const usageBill = object(usageAndBill)

const night = object({
  ...usageAndBill,
  parts: object({ look: usage, bytes: usage, restores: usage, end: usage }),
  basis: oneOf('measured', 'assumed'),
  contentsBeyondLimit: amount,
})

export const forecastShape = object({
  snapshots: amount,
  contents: amount,
  groups: amount,
  restoreBytes: amount,
  fetchBytes: amount,
  fetchRequests: amount,
  diskBytes: amount,
  seconds: amount,
  basis: oneOf('measured', 'assumed'),
  night: orAbsent(night),
})

const debt = object({
  contents: amount,
  bytes: amount,
  overdue: amount,
  byKind: object(Object.fromEntries(debtKinds.map(kind => [kind, amount]))),
  oldestDays: orNull(amount),
  nightsToCatchUp: orNull(amount),
  contentsBefore: amount,
})

export const runShape: Check = object({
  schemaVersion: oneOf(1),
  runId: string,
  command: oneOf('audit', 'verify'),
  tool: object({ name: oneOf('snapproof'), version: string, node: string }),
  identity: orAbsent(object({ configuration: string, image: orNull(string), role: orAbsent(orNull(string)) })),
  repository: object({
    name: string,
    url: string,
    uuid: orNull(string),
    clusterId: orNull(string),
    generation: whole,
    format: orNull(string),
  }),
  finalGeneration: whole,
  startedAt: time,
  endedAt: time,
  seconds: amount,
  exit: object({ code: exitCode, applies: arrayOf(exitCode), reason: string }),
  policy: object({
    startAt: time,
    restoreNewestWithinDays: amount,
    restoreEveryContentWithinDays: amount,
    credit: oneOf('shared', 'strict'),
  }),
  limits: object({
    snapshots: orNull(amount),
    restoreBytes: orNull(amount),
    durationSeconds: orNull(amount),
    costUsd: orAbsent(orNull(amount)),
  }),
  forecast: orNull(forecastShape),
  engines: arrayOf(object({ name: string, kind: string, product: string, version: string, egressBlocked: bool })),
  snapshots: arrayOf(snapshot),
  verdicts: arrayOf(verdictRow),
  findings: arrayOf(findingShape),
  accepted: arrayOf(object({ finding: findingShape, until: time, reason: string, approver: string })),
  lastGood: arrayOf(
    object({ index: string, snapshot: orNull(string), uuid: orNull(string), endedAt: orNull(time), level, method }),
  ),
  restores: arrayOf(restore),
  debt,
  array: orAbsent(
    object({
      plan: string,
      plannedAt: time,
      children: arrayOf(
        object({
          child: amount,
          status: oneOf('done', 'stopped', 'lost', 'absent'),
          contents: amount,
          bytes: amount,
          proven: amount,
          failed: amount,
          inconclusive: amount,
          left: amount,
          attempts: amount,
          owner: orNull(string),
          startedAt: orNull(time),
          endedAt: orNull(time),
          forecastSeconds: amount,
          seconds: orNull(amount),
          reason: string,
        }),
      ),
    }),
  ),
  contents: orAbsent(object({ total: amount, proven: amount })),
  selfCheck: orAbsent(
    object({
      planted: amount,
      found: amount,
      seconds: amount,
      missed: arrayOf(object({ what: string, code: orNull(string), why: string })),
    }),
  ),
  history: arrayOf(
    object({ runId: string, endedAt: time, debtContents: amount, proven: amount, findings: amount, exitCode: whole }),
  ),
  stats: object({
    requests: object({ list: amount, get: amount, head: amount, put: amount, delete: amount }),
    bytesRead: amount,
    bytesRestored: amount,
    phases: arrayOf(object({ phase: string, seconds: amount })),
  }),
  costs: orAbsent(
    object({
      measured: orNull(usageBill),
      prices: object({ currency: oneOf('USD'), region: string, asOf: string }),
      compute: orNull(string),
      transfer: oneOf(...transferRoutes),
      kms: oneOf(...kmsUses),
      store: oneOf('s3', 'file'),
    }),
  ),
  seal: orAbsent(
    object({
      url: string,
      key: orNull(string),
      before: orNull(object({ number: whole, hash: string })),
      lock: oneOf('governance', 'compliance', 'none', 'unknown'),
      problem: orNull(string),
      unsealed: orNull(string),
    }),
  ),
  rules: orAbsent(
    object({
      rules: arrayOf(
        object({
          name: string,
          kind: string,
          index: arrayOf(string),
          snapshots: arrayOf(string),
          severity,
          wants: string,
          indices: amount,
          judged: object({ pass: amount, fail: amount, inconclusive: amount }),
        }),
      ),
      outcomes: arrayOf(
        object({
          rule: string,
          snapshot: string,
          uuid: string,
          index: orNull(string),
          verdict: judged,
          got: orNull(string),
          message: string,
        }),
      ),
      more: amount,
    }),
  ),
  baselines: orAbsent(
    object({
      after: amount,
      settleDays: amount,
      judged: amount,
      tooYoung: amount,
      outside: arrayOf(
        object({
          index: string,
          kind: oneOf(...baselineKinds),
          severity,
          since: string,
          snapshots: arrayOf(object({ name: string, uuid: string, endedAt: time })),
          message: string,
          lastWithin: orNull(string),
          normalFrom: orNull(time),
        }),
      ),
    }),
  ),
  sample: orAbsent(
    object({
      seed: string,
      population: amount,
      wanted: amount,
      confidence: amount,
      contents: arrayOf(object({ contentId: string, index: string, snapshot: string, verdict: judged })),
      passed: amount,
      failed: amount,
      open: amount,
      cut: amount,
      statement: orNull(object({ atLeast: amount, atMost: amount })),
      sentence: string,
    }),
  ),
  restoreTime: orAbsent(
    orNull(
      object({
        samples: amount,
        chained: amount,
        bytes: amount,
        targetSeconds: orAbsent(orNull(amount)),
        phases: object({ fetch: orNull(restorePhase), restore: restorePhase, questions: restorePhase }),
        projection: orNull(
          object({
            snapshot: string,
            indices: amount,
            bytes: amount,
            seconds: amount,
            fastest: orNull(amount),
            slowest: orNull(amount),
            parallel: amount,
            assumptions: arrayOf(string),
          }),
        ),
      }),
    ),
  ),
  limitsOfProof: arrayOf(string),
})
