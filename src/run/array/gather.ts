/** What the machines of an array have left, put together: by content, by finding, by machine. */
import pLimit from 'p-limit'
import type { Log } from '../../log.ts'
import type { OpenContent, OpenGroup, OpenPlan } from '../../model/openPlan.ts'
import type { ArrayChild } from '../../model/run.ts'
import type { Reason } from '../../model/verdict.ts'
import type { AttemptBegan, AttemptEnded, ContentResult, FindingResult } from './documents.ts'
import type { ArrayFolder, Left } from './folder.ts'
import { contentsOf, isRowOf } from './part.ts'

export interface Gathered {
  /** By number: the result that passed or failed, else the latest that could not be judged. */
  readonly results: ReadonlyMap<number, ContentResult>
  readonly findings: readonly FindingResult[]
  readonly ended: readonly AttemptEnded[]
  readonly children: readonly ArrayChild[]
  /** Every planned content without a result, with the reason. */
  readonly left: readonly { readonly group: OpenGroup; readonly content: OpenContent; readonly reason: Reason }[]
}

const parallel = 16

/** @throws SnapproofError those of the store; what is no result of this plan is left out and said */
export async function gather(folder: ArrayFolder, plan: OpenPlan, log: Log, signal: AbortSignal): Promise<Gathered> {
  const found = await folder.list(null, signal)
  const limit = pLimit(parallel)
  const planned = new Map(
    plan.children.flatMap((child, i) =>
      contentsOf(child).map(one => [one.content.number, { ...one, child: i }] as const),
    ),
  )
  const results = new Map<number, ContentResult>()
  const contents = found.filter(left => left.kind === 'content')
  await Promise.all(
    contents.map(left =>
      limit(async () => {
        const own = planned.get(left.number)
        const result = await folder.readContent(left.key, signal)
        if (own?.child !== left.child || result === null || !isRowOf(result.row, own.content, own.group, plan))
          return log.warn('what lies there is no result of this plan; it was left out', { key: left.key })
        const known = results.get(left.number)
        if (known === undefined || isBetter(result, known)) results.set(left.number, result)
      }),
    ),
  )
  const read = async <Document>(kind: Left['kind'], of: (key: string) => Promise<Document | null>) => {
    const keys = found.filter(left => left.kind === kind)
    const documents = await Promise.all(keys.map(left => limit(async () => ({ left, document: await of(left.key) }))))
    return documents.flatMap(({ left, document }) => (document === null ? [] : [{ left, document }]))
  }
  const findings = await read('finding', key => folder.readFinding(key, signal))
  const began = await read('began', key => folder.readBegan(key, signal))
  const ended = await read('ended', key => folder.readEnded(key, signal))
  const condemned = new Set(
    findings.flatMap(({ document: { indexId, contentIds } }) => contentIds.map(id => `${indexId} ${id}`)),
  )
  const left: { group: OpenGroup; content: OpenContent; reason: Reason }[] = []
  const children = plan.children.map((child, i): ArrayChild => {
    const given = contentsOf(child)
    const isCondemned = ({ group, content }: (typeof given)[number]) =>
      condemned.has(`${group.indexId} ${content.contentId}`)
    const history = historyOf(
      i,
      began.map(({ left: at, document }) => ({ at, document })),
      ended.map(({ left: at, document }) => ({ at, document })),
    )
    const open = given.filter(one => !results.has(one.content.number) && !isCondemned(one))
    const reasonOf = new Map(history.ended?.left.map(({ number, reason }) => [number, reason]))
    for (const one of open) left.push({ ...one, reason: reasonOf.get(one.content.number) ?? 'child-lost' })
    const verdicts = given.map(
      one => results.get(one.content.number)?.row.verdict ?? (isCondemned(one) ? 'fail' : null),
    )
    const count = (verdict: string | null) => verdicts.filter(one => one === verdict).length
    return {
      child: i,
      status: statusOf(history, open.length),
      contents: given.length,
      bytes: given.reduce((sum, { content }) => sum + content.bytes, 0),
      proven: count('pass'),
      failed: count('fail'),
      inconclusive: count('inconclusive'),
      left: open.length,
      attempts: history.attempts,
      owner: history.began?.owner ?? null,
      startedAt: history.began?.startedAt ?? null,
      endedAt: history.ended?.endedAt ?? null,
      forecastSeconds: child.forecastSeconds,
      seconds: history.ended?.seconds ?? null,
      reason: open.length === 0 ? '' : whyLeft(history),
    }
  })
  return {
    results,
    findings: findings.map(({ document }) => document),
    ended: ended.map(({ document }) => document),
    children,
    left,
  }
}

/** A verdict is kept; of doubts the later one speaks. */
function isBetter({ row }: ContentResult, { row: known }: ContentResult): boolean {
  if (known.verdict !== 'inconclusive') return false
  return row.verdict !== 'inconclusive' || row.atMs > known.atMs
}

interface History {
  readonly attempts: number
  /** Of the latest attempt; null: none. */
  readonly began: AttemptBegan | null
  /** Null: it never said how it ended. */
  readonly ended: AttemptEnded | null
}

/** Names of attempts begin with their time. */
function historyOf(
  child: number,
  began: readonly { readonly at: Left; readonly document: AttemptBegan }[],
  ended: readonly { readonly at: Left; readonly document: AttemptEnded }[],
): History {
  const attemptOf = (at: Left) => (at.kind === 'began' || at.kind === 'ended' ? at.attempt : '')
  const own = began.filter(({ at }) => at.child === child).sort((a, b) => (attemptOf(a.at) < attemptOf(b.at) ? -1 : 1))
  const latest = own.at(-1)
  if (latest === undefined) return { attempts: 0, began: null, ended: null }
  const end = ended.find(({ at }) => at.child === child && attemptOf(at) === attemptOf(latest.at))
  return { attempts: own.length, began: latest.document, ended: end?.document ?? null }
}

function statusOf({ began, ended }: History, left: number): ArrayChild['status'] {
  if (left === 0) return 'done'
  if (began === null) return 'absent'
  return ended === null ? 'lost' : 'stopped'
}

function whyLeft({ attempts, began, ended }: History): string {
  if (began === null) return 'it never began'
  if (ended !== null && ended.trouble !== null) return ended.trouble
  if (ended !== null) return [...new Set(ended.left.map(({ reason }) => reason))].join(', ')
  const before = attempts === 1 ? '' : `, the last of ${attempts} attempts`
  return `it began at ${began.startedAt} on ${began.owner}${before}, and never said how it ended`
}
