/** The head of a chain as the ledger remembers it: what shows that the end of a chain was cut. */
import { maxSealNumber } from './record.ts'
import type { SealHead } from './write.ts'

const subjectPrefix = 'seal '

/** Of the ledger's memory. A chain is known by its place: another `seal.url` begins another one. */
export function sealSubject(url: string): string {
  return subjectPrefix + url.replace(/\/+$/, '')
}

/** Is this about a chain, and not about what checks remember? */
export function isSealSubject(subject: string): boolean {
  return subject.startsWith(subjectPrefix)
}

/** `atMs` is the number and no time: of two heads the higher stays, whatever the clocks of two machines said. */
export function headRow(url: string, { number, hash }: SealHead) {
  const data = Buffer.from(`${number} ${hash}`).toString('base64')
  return { kind: 'memory', subject: sealSubject(url), atMs: number, data } as const
}

/** Null: the ledger knows no seal of this chain. `memory`: as `MemoryLedger.memory` answers. */
export function rememberedHead(
  memory: (subject: string) => { readonly data: Buffer } | null,
  url: string,
): SealHead | null {
  const text = memory(sealSubject(url))?.data.toString('latin1') ?? ''
  const [, digits = '', hash = ''] = /^(\d{1,10}) ([0-9a-f]{64})$/.exec(text) ?? []
  const number = Number(digits)
  return number >= 1 && number <= maxSealNumber ? { number, hash } : null
}
