/** What checks remember, through the ledger. */
import type { CheckMemory } from '../check/memory.ts'
import type { LedgerSession } from '../ledger/port.ts'
import { isSealSubject } from '../seal/head.ts'
import type { Clock } from '../time.ts'

/** Journals that a run which is being stopped still writes. */
const keepTimeoutMs = 120_000

export interface LedgerMemoryOptions {
  readonly ledger: Pick<LedgerSession, 'memory' | 'memorySubjects' | 'journal'>
  readonly runId: string
  /** Recalls only: nothing is written. */
  readonly readOnly: boolean
  /** What was read longer ago is read again. */
  readonly renewAfterDays: number
  readonly clock: Clock
}

export function ledgerMemory({ ledger, runId, readOnly, renewAfterDays, clock }: LedgerMemoryOptions): CheckMemory {
  return {
    renewAfterMs: renewAfterDays * 86_400_000,
    recall: subject => ledger.memory(subject)?.data ?? null,
    // Checks forget what they do not know, and of seals they know nothing.
    subjects: () => [...ledger.memorySubjects()].filter(subject => !isSealSubject(subject)),
    async keep(rows) {
      if (readOnly) return
      const atMs = clock.nowMs()
      const kept = rows.map(({ subject, data }) => ({
        kind: 'memory' as const,
        subject,
        atMs,
        data: data.toString('base64'),
      }))
      await ledger.journal(runId, kept, AbortSignal.timeout(keepTimeoutMs))
    },
  }
}
