/** What pings and webhooks say of a run. Computation alone; the README of the package describes both. */
import { createHash } from 'node:crypto'
import type { ExitCode } from '../errors.ts'
import type { RunResult } from '../model/run.ts'

/** How a command ended, report or none. */
export interface Ending {
  /** Null: it came to nothing before it had one. */
  readonly runId: string | null
  readonly command: 'audit' | 'collect'
  readonly repository: { readonly name: string; readonly url: string }
  readonly version: string
  readonly endedAt: string
  /** Exit code of the command, which may be another than that of the run: what comes after the report can fail, too. */
  readonly exit: { readonly code: ExitCode; readonly applies: readonly ExitCode[]; readonly reason: string }
  /** Null: it came to no result. */
  readonly run: RunResult | null
  /** `report.html` in its folder, and its copy. Null: there is none. */
  readonly report: { readonly file: string; readonly url: string | null } | null
}

/** Of which check: `start` and `log` change no state, null is success. */
export type PingKind = 'start' | 'fail' | 'log' | null

/** Below the address, before its query (`?create=1`). */
export function pingUrl(base: string, kind: PingKind, runId: string | null): URL {
  const url = new URL(base)
  if (kind !== null) url.pathname = `${url.pathname.replace(/\/+$/, '')}/${kind}`
  if (runId !== null) url.searchParams.set('rid', runUuid(runId))
  return url
}

/** RFC 4122, appendix C: names that are URLs. */
const namespaceOfUrls = '6ba7b8119dad11d180b400c04fd430c8'

/** `rid` of healthchecks.io pairs a start with its end and must be a UUID: version 5 (RFC 9562, 5.5) of `snapproof:RUN`. */
export function runUuid(runId: string): string {
  const hash = createHash('sha1').update(Buffer.from(namespaceOfUrls, 'hex')).update(`snapproof:${runId}`).digest()
  const bytes = hash.subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Reasons quote what others wrote. */
const reasonCharacters = 1000

/** Plain text for whoever opens the check. */
export function pingText(ending: Ending): string {
  const { exit, repository, runId, report } = ending
  const lines = [
    `exit code ${exit.code}: ${cut(exit.reason)}`,
    `repository: ${repository.name}`,
    ...(runId === null ? [] : [`run: ${runId}`]),
    ...(report === null ? [] : [`report: ${report.url ?? report.file}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** What the webhook gets. Additions do not raise `schemaVersion`. */
export function webhookDocument(ending: Ending): Record<string, unknown> {
  const { runId, command, repository, version, endedAt, exit, run, report } = ending
  const reason = cut(exit.reason)
  return {
    schemaVersion: 1,
    event: 'run-ended',
    text: `Snapproof, ${repository.name}: exit code ${exit.code}: ${reason}`,
    runId,
    command,
    repository,
    tool: { version },
    startedAt: run?.startedAt ?? null,
    endedAt,
    exit: { code: exit.code, applies: exit.applies, reason },
    counts: run === null ? null : countsOf(run),
    report,
  }
}

/** What `doctor --send` sends. */
export function webhookTest(repository: Ending['repository'], version: string): Record<string, unknown> {
  return {
    schemaVersion: 1,
    event: 'test',
    text: `Snapproof, ${repository.name}: a test, nothing has happened`,
    repository,
    tool: { version },
  }
}

function countsOf({ snapshots, restores, findings, accepted, debt }: RunResult): Record<string, unknown> {
  const restored = (wanted: string) => restores.filter(({ verdict }) => verdict === wanted).length
  const found = (wanted: string) => findings.filter(({ severity }) => severity === wanted).length
  return {
    snapshots: snapshots.length,
    restores: { pass: restored('pass'), fail: restored('fail'), inconclusive: restored('inconclusive') },
    findings: { error: found('error'), warning: found('warning'), information: found('information') },
    accepted: accepted.length,
    debt: { contents: debt.contents, overdue: debt.overdue },
  }
}

function cut(text: string): string {
  return text.length <= reasonCharacters ? text : `${text.slice(0, reasonCharacters)}…`
}
