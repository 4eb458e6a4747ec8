/** Doctor's question about seals: does the key sign, may the chain be read and added to, is its end what the ledger knows? */
import type { Store } from '../blobs/write-probe.ts'
import { findNextLink, type SealHead } from '../seal/write.ts'
import type { Answer } from './doctorAnswers.ts'
import type { Seals } from './seal.ts'

export type CheckedSeals = Seals & { readonly store: Store }

/** Leaves nothing in the chain. Throws what key and store throw. */
export async function sealAnswer(
  { store, signer, retention }: CheckedSeals,
  remembered: SealHead | null,
  signal: AbortSignal,
): Promise<Answer> {
  const { key, sign } = await signer(signal)
  await sign(Buffer.from('snapproof doctor'), signal)
  const { previous, problem } = await findNextLink(store, remembered, signal)
  if (problem !== null) {
    const advice = 'Find out who did that: `snapproof seal verify --config FILE --public-key FILE` names what is gone.'
    return { outcome: 'bad', message: `${store.url}: ${problem}`, advice }
  }
  // A name that no seal has.
  const written = await store.tryWrite('doctor-probe', signal)
  if (written.kind === 'refused') {
    const advice = 'Allow s3:PutObject there to this identity, and kms:GenerateDataKey where a key of KMS encrypts.'
    return { outcome: 'bad', message: `${store.url}: ${written.said}`, advice }
  }
  const lock = (await store.storeLock?.(signal)) ?? { kind: 'none' as const }
  if (retention !== null && lock.kind === 'none') {
    const advice =
      'Take a bucket that was created with Object Lock, or take seal.retainFor out: until then no run is sealed.'
    return { outcome: 'bad', message: `${store.url} has no Object Lock, and seal.retainFor wants one`, advice }
  }
  const locked =
    retention !== null
      ? `new seals are locked in ${retention.mode} mode`
      : lock.kind === 'on' && lock.mode !== null
        ? `new seals are locked in ${lock.mode} mode by the bucket`
        : lock.kind === 'unclear'
          ? `whether the bucket locks them may not be asked (${lock.said})`
          : 'nothing locks them: whoever may delete there can cut the end of the chain'
  const end = previous === null ? 'the chain begins with the next run' : `the last is seal ${previous.number}`
  const message = `${store.url}: ${end}; key ${key.slice(0, 16)}… signs; ${locked}`
  if (written.kind === 'unclear' && store.basePath !== null)
    return { outcome: 'not-proven', message: `${message}; whether it can be written is not known: ${written.said}` }
  return { outcome: 'good', message }
}
