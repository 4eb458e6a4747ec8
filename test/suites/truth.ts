/** What must hold after an audit that met a fault, and after the clean one that follows it. Each check answers sentences; none is right. */

import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { isSnapproofError, SnapproofError } from '../../src/errors.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import type { RunResult } from '../../src/model/run.ts'
import { systemClock } from '../../src/time.ts'
import { dumpTables } from './dump.ts'
import { damaged, type Outcome, type World } from './wholeAudit.ts'

/** What a run without any fault says of every snapshot, index and level, and what it accuses. */
export interface Truth {
  readonly verdicts: ReadonlyMap<string, string>
  readonly errors: ReadonlySet<string>
}

const levels = ['catalogue', 'presence', 'bytes', 'restore'] as const

/** `snapshot index level` → verdict. Rows of single indices are there only where the snapshot does not simply pass. */
function verdictsOf(run: RunResult): Map<string, string> {
  const found = new Map<string, string>()
  for (const { name, levels: own } of run.snapshots)
    for (const level of levels) found.set(`${name} - ${level}`, own[level]?.verdict ?? 'none')
  for (const row of run.verdicts)
    if (row.index !== null) found.set(`${row.snapshot} ${row.index} ${row.level}`, row.verdict)
  return found
}

const errorsOf = (run: RunResult) =>
  run.findings.filter(({ severity }) => severity === 'error').map(({ code, index }) => `${code} ${index}`)

export function truthOf(run: RunResult): Truth {
  return { verdicts: verdictsOf(run), errors: new Set(errorsOf(run)) }
}

/** Nothing invented: no pass that the truth does not know, none of the damaged content, nobody accused who is innocent. */
export function wrongIn(
  { run, error, exitCode, metrics, left, unlike }: Outcome,
  truth: Truth,
  allowed: RegExp,
): string[] {
  const wrong = [...left.map(what => `left behind: ${what}`), ...unlike.map(what => `judge: ${what}`)]
  if (error !== null && !(error instanceof SnapproofError))
    wrong.push(`it threw ${error instanceof Error ? error.stack : error}`)
  if (isSnapproofError(error, 'internal')) wrong.push(`internal: ${error.message} ${String(error.cause)}`)
  if (error !== null && exitCode !== 2) wrong.push(`exit code ${exitCode} for ${String(error)}`)
  if (run === null) return wrong
  for (const [what, verdict] of verdictsOf(run)) {
    const known = truth.verdicts.get(what)
    if (verdict === 'pass' && known !== undefined && known !== 'pass') wrong.push(`${what}: a pass, not ${known}`)
    if (verdict === 'fail' && known !== undefined && known !== 'fail' && !errorsOf(run).some(one => allowed.test(one)))
      wrong.push(`${what}: a fail, not ${known}`)
  }
  for (const row of run.restores)
    if (row.verdict === 'pass' && row.index === damaged.index && row.snapshot === damaged.snapshot)
      wrong.push('what is damaged was restored')
  for (const one of errorsOf(run)) if (!truth.errors.has(one) && !allowed.test(one)) wrong.push(`accused: ${one}`)
  // A read that failed for a reason of ours leaves the damage to the next night: as debt within the policy, or as a snapshot that could not be
  // looked at (4).
  const isOpen = verdictsOf(run).get(`${damaged.snapshot} - restore`) === 'inconclusive'
  const good = isOpen ? [0, 1, 2, 4] : [1, 2]
  if (error === null && !good.includes(run.exit.code)) wrong.push(`exit code ${run.exit.code}: ${run.exit.reason}`)
  if (run.exit.code === 1 && errorsOf(run).length === 0) wrong.push('exit code 1 without an error')
  if (metrics.includes('Heartbeat') && exitCode === 2) wrong.push('a heartbeat from a run that did not do its work')
  return wrong
}

/** The clean run after it says what a run says that never met a fault. */
export function wrongAfter({ run, error, exitCode, left, unlike }: Outcome, truth: Truth, cured: boolean): string[] {
  const wrong = left.map(what => `the next run left behind: ${what}`)
  wrong.push(...unlike.map(what => `judge, of the next run: ${what}`))
  if (run === null) return [...wrong, `the next run did not complete: ${String(error)}`]
  if (exitCode !== 1) wrong.push(`the next run ends with ${exitCode}: ${run.exit.reason}`)
  const said = verdictsOf(run)
  for (const [what, verdict] of truth.verdicts) {
    const now = said.get(what)
    // Rows of an index are left out where all is well.
    if (now !== undefined && now !== verdict) wrong.push(`the next run says ${what}: ${now}, not ${verdict}`)
  }
  for (const one of errorsOf(run)) if (!truth.errors.has(one)) wrong.push(`the next run accuses ${one}`)
  for (const one of truth.errors) if (!errorsOf(run).includes(one)) wrong.push(`the next run does not find ${one}`)
  if (cured && run.restores.length > 0) wrong.push(`the next run restores ${run.restores.length} contents again`)
  return wrong
}

/** Stored ledger whole; journals alone make the same one; nothing that was journalled is missing or there twice. */
export async function wrongLedger(
  world: Pick<World, 'folder' | 'ledgerFolder'> & { readonly localFile?: string | null },
): Promise<string[]> {
  const wrong: string[] = []
  const folder = join(world.folder, 'rebuilt')
  try {
    await mkdir(folder)
    const stored = join(folder, 'stored.sqlite')
    const { localFile = null } = world
    const journals = localFile === null ? join(world.ledgerFolder, 'journals') : `${localFile}.journals`
    if (localFile !== null) await copyFile(localFile, stored)
    else await writeFile(stored, gunzipSync(await readFile(join(world.ledgerFolder, 'ledger.sqlite.gz'))))
    wrong.push(...(await compareWithJournals(journals, stored, folder)))
    const proofs = (await contentRowsIn(journals)).length
    const db = new Database(stored, { readonly: true })
    const there = Number(db.prepare('SELECT count(*) FROM content_row').pluck().get())
    db.close()
    if (there !== proofs) wrong.push(`${proofs} contents were journalled and ${there} are in the ledger`)
  } catch (error) {
    wrong.push(`the ledger cannot be read: ${error instanceof Error ? error.stack : error}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return wrong
}

async function compareWithJournals(journals: string, stored: string, folder: string): Promise<string[]> {
  const wrong: string[] = []
  const db = new Database(stored, { readonly: true })
  const check = db.pragma('quick_check', { simple: true })
  db.close()
  if (check !== 'ok') wrong.push(`quick_check: ${check}`)
  await mkdir(join(folder, 'store'))
  await cp(journals, join(folder, 'store', 'journals'), { recursive: true })
  const file = join(folder, 'from-journals.sqlite')
  const session = await openLedger({
    repositoryName: 'test',
    store: openDirectoryStore({ folder: join(folder, 'store'), clock: systemClock }),
    file,
    runId: 'rebuild',
    owner: 'suite:2',
    clock: systemClock,
    log: silentLog,
    leaseSeconds: 120,
    randomId: () => crypto.randomUUID(),
    signal: new AbortController().signal,
  })
  await session.close()
  await copyFile(file, join(folder, 'copy.sqlite'))
  const [one, other] = [dumpTables(stored), dumpTables(join(folder, 'copy.sqlite'))]
  for (const table of Object.keys(one)) {
    if (JSON.stringify(one[table]) !== JSON.stringify(other[table])) {
      wrong.push(`${table}: the journals alone make ${other[table]?.length} rows, the ledger has ${one[table]?.length}`)
    }
  }
  return wrong
}

interface JournalledContent {
  readonly indexName: string
  readonly contentId: string
  readonly verdict: string
}

/** What all journals say of contents, each row once however often it was written. */
export function contentRows(ledgerFolder: string): Promise<JournalledContent[]> {
  return contentRowsIn(join(ledgerFolder, 'journals'))
}

async function contentRowsIn(folder: string): Promise<JournalledContent[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const rows = new Map<string, JournalledContent>()
  for (const name of names.filter(one => one.endsWith('.json')).sort()) {
    const journal = JSON.parse(await readFile(join(folder, name), 'utf8')) as { rows: Record<string, string>[] }
    for (const row of journal.rows) {
      if (row.kind !== 'content') continue
      const { runId, contentId = '', indexId, indexName = '', snapshotUuid, verdict = '', atMs } = row
      const key = JSON.stringify([runId, contentId, indexId, snapshotUuid, verdict, atMs])
      rows.set(key, { indexName, contentId, verdict })
    }
  }
  return [...rows.values()]
}
