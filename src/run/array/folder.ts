/**
 * The folder of an array: the plan, and what its machines leave. Every object is written once, conditionally, and never changed, so that
 * a machine that does the same work twice, or wakes up late, changes nothing.
 *
 *     plan.json                                       the plan
 *     children.json                                   its summary: how many machines it needs
 *     children/<child>/attempts/<attempt>-began.json  a machine began; -ended.json: how it ended
 *     children/<child>/contents/<number>.json         a content that passed or failed: what its journal is made of
 *     children/<child>/contents/<number>-<attempt>.json  one that could not be judged
 *     children/<child>/findings/<id>.json             a bad blob
 *     collected.json                                  the report is delivered
 */
import type { BlobWriter } from '../../blobs/port.ts'
import { isSnapproofError, SnapproofError } from '../../errors.ts'
import type { OpenPlan } from '../../model/openPlan.ts'
import {
  type AttemptBegan,
  type AttemptEnded,
  type Collected,
  type ContentResult,
  type FindingResult,
  maxPlanBytes,
  maxResultBytes,
  type PlanSummary,
  parseBegan,
  parseCollected,
  parseContent,
  parseEnded,
  parseFinding,
  parsePlan,
} from './documents.ts'

const planKey = 'plan.json'

/** `s3://bucket/arrays/x/plan.json` → the folder's URL. @throws SnapproofError `usage` */
export function folderOfPlan(url: string): string {
  const folder = /^(.+)\/plan\.json$/s.exec(url)?.[1]
  if (folder !== undefined) return folder
  throw new SnapproofError('usage', `${JSON.stringify(url)} is no URL of a plan`, {
    advice: 'It ends with /plan.json, such as s3://bucket/ledger/arrays/2026-11-23/plan.json.',
  })
}

/** What lies below `children/`, by its key. */
export type Left =
  | { readonly kind: 'began' | 'ended'; readonly child: number; readonly attempt: string; readonly key: string }
  | {
      readonly kind: 'content'
      readonly child: number
      readonly number: number
      readonly judged: boolean
      readonly key: string
    }
  | { readonly kind: 'finding'; readonly child: number; readonly key: string }

export class ArrayFolder {
  /** Of the plan. */
  readonly url: string
  readonly #store: BlobWriter

  constructor(store: BlobWriter) {
    this.#store = store
    this.url = `${store.url}/${planKey}`
  }

  /** @throws SnapproofError `not-found`, `configuration` */
  async readPlan(signal: AbortSignal): Promise<OpenPlan> {
    const look = async () =>
      parsePlan((await this.#store.read(planKey, { maxBytes: maxPlanBytes, signal })).bytes, this.url)
    try {
      return await look()
    } catch (error) {
      // It may have been cut off on its way: what it says twice holds.
      if (isSnapproofError(error, 'configuration')) return await look()
      if (!isSnapproofError(error, 'not-found')) throw error
      throw new SnapproofError('not-found', `there is no plan at ${this.url}`, {
        advice: '`snapproof plan --children N` makes one and prints its URL.',
        cause: error,
      })
    }
  }

  async readPlanOrNull(signal: AbortSignal): Promise<OpenPlan | null> {
    return (await this.#store.head(planKey, { signal })) === null ? null : await this.readPlan(signal)
  }

  /** @throws SnapproofError `configuration` when there is another plan, `too-large` */
  async writePlan(plan: OpenPlan, signal: AbortSignal): Promise<void> {
    const bytes = bytesOf(plan)
    if (bytes.length > maxPlanBytes)
      throw new SnapproofError('too-large', `the plan has ${bytes.length} bytes, at most ${maxPlanBytes} are read`, {
        advice: 'Plan less at once: --max-snapshots, --max-bytes. What is left is the next plan’s.',
      })
    if (await this.#putOnce(planKey, bytes, signal)) return
    throw new SnapproofError('configuration', `another plan lies at ${this.url} already`, {
      advice: 'Give another --out; a plan is never changed.',
    })
  }

  /** Says the same for the same plan, so that it may be written again. */
  async writeSummary(summary: PlanSummary, signal: AbortSignal): Promise<void> {
    await this.#putOnce('children.json', bytesOf(summary), signal)
  }

  began(child: number, attempt: string, began: AttemptBegan, signal: AbortSignal): Promise<boolean> {
    return this.#putOnce(`children/${child}/attempts/${attempt}-began.json`, bytesOf(began), signal)
  }

  ended(child: number, attempt: string, ended: AttemptEnded, signal: AbortSignal): Promise<boolean> {
    return this.#putOnce(`children/${child}/attempts/${attempt}-ended.json`, bytesOf(ended), signal)
  }

  /** The result that is kept: this one, or the one that was there first. Only those that passed or failed are unique. */
  async keepContent(
    child: number,
    number: number,
    attempt: string,
    result: ContentResult,
    signal: AbortSignal,
  ): Promise<ContentResult> {
    const name = result.row.verdict === 'inconclusive' ? `${number}-${attempt}` : String(number)
    const key = `children/${child}/contents/${name}.json`
    if (await this.#putOnce(key, bytesOf(result), signal)) return result
    const first = await this.readContent(key, signal)
    if (first !== null) return first
    throw new SnapproofError(
      'configuration',
      `${key} in ${this.#store.url} is not what a machine of the array writes`,
      {
        advice: 'Nothing may write into the folder of an array but Snapproof.',
      },
    )
  }

  /** The finding that is kept, as `keepContent` does. */
  async keepFinding(child: number, result: FindingResult, signal: AbortSignal): Promise<FindingResult> {
    const key = `children/${child}/findings/${result.finding.id}.json`
    if (await this.#putOnce(key, bytesOf(result), signal)) return result
    return (await this.readFinding(key, signal)) ?? result
  }

  async readCollected(signal: AbortSignal): Promise<Collected | null> {
    return await this.#read('collected.json', parseCollected, signal)
  }

  writeCollected(collected: Collected, signal: AbortSignal): Promise<boolean> {
    return this.#putOnce('collected.json', bytesOf(collected), signal)
  }

  /** Of one child, or of all. */
  async list(child: number | null, signal: AbortSignal): Promise<Left[]> {
    const found: Left[] = []
    for await (const { key } of this.#store.list(child === null ? 'children/' : `children/${child}/`, { signal })) {
      const left = leftAt(key)
      if (left !== null) found.push(left)
    }
    return found
  }

  // Null: gone meanwhile, or not what a machine writes.
  readContent = (key: string, signal: AbortSignal): Promise<ContentResult | null> =>
    this.#read(key, parseContent, signal)
  readFinding = (key: string, signal: AbortSignal): Promise<FindingResult | null> =>
    this.#read(key, parseFinding, signal)
  readBegan = (key: string, signal: AbortSignal): Promise<AttemptBegan | null> => this.#read(key, parseBegan, signal)
  readEnded = (key: string, signal: AbortSignal): Promise<AttemptEnded | null> => this.#read(key, parseEnded, signal)

  async #read<Document>(
    key: string,
    parse: (bytes: Buffer) => Document | null,
    signal: AbortSignal,
  ): Promise<Document | null> {
    const look = async () => parse((await this.#store.read(key, { maxBytes: maxResultBytes, signal })).bytes)
    try {
      // What is no such object may have been cut off on its way.
      return (await look()) ?? (await look())
    } catch (error) {
      if (isSnapproofError(error, 'not-found', 'too-large')) return null
      throw error
    }
  }

  /** False: something else lies there. The same bytes again are good: the answer to our own write may have been lost. */
  async #putOnce(key: string, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      if ((await this.#store.putIfAbsent(key, bytes, { signal })).written) return true
      const found = await this.#readBytes(key, Math.max(maxPlanBytes, maxResultBytes), signal)
      if (found !== null) return found.equals(bytes)
      // A store may refuse a conditional write (409) without there being an object.
      if (attempt === 5)
        throw new SnapproofError(
          'unavailable',
          `${this.#store.url} refused five times to write ${key}, which is not there`,
        )
    }
  }

  async #readBytes(key: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | null> {
    try {
      return (await this.#store.read(key, { maxBytes, signal })).bytes
    } catch (error) {
      if (isSnapproofError(error, 'not-found')) return null
      throw error
    }
  }
}

function bytesOf(document: object): Buffer {
  return Buffer.from(JSON.stringify(document))
}

function leftAt(key: string): Left | null {
  const found = /^children\/(\d{1,5})\/(attempts|contents|findings)\/([\w-]{1,80})\.json$/.exec(key)
  const [, child = '', folder = '', name = ''] = found ?? []
  const at = { child: Number(child), key }
  if (folder === 'findings') return { kind: 'finding', ...at }
  if (folder === 'contents') {
    const [, number, attempt] = /^(\d{1,15})(-[\w-]+)?$/.exec(name) ?? []
    return number === undefined
      ? null
      : { kind: 'content', ...at, number: Number(number), judged: attempt === undefined }
  }
  const [, attempt, kind] = /^([\w-]+)-(began|ended)$/.exec(name) ?? []
  return attempt === undefined ? null : { kind: kind === 'began' ? 'began' : 'ended', ...at, attempt }
}
