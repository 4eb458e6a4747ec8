/** What a run does not prove, in words for its report. */
import type { RestoreRow, RunResult } from '../model/run.ts'

export function limitsOfProof(engines: RunResult['engines']): string[] {
  const limits = [
    'A restore proves that the files, bytes, documents and sequence numbers are those that were snapshotted, not that they are the documents you meant to keep.',
    'Cluster state is not proven: templates, users and persistent settings are not restored, and of feature states only their system indices, one by one, where the engine has the feature.',
    'index-N carries no checksum: a flipped bit in one of its times cannot be seen.',
    'Blobs of contents that were never restored are proven present and of the right length, not byte for byte.',
  ]
  if (engines.some(engine => engine.kind === 'endpoint')) {
    limits.push('The server was run by somebody else: what it reaches, and who reaches it, is not known here.')
  }
  if (engines.some(engine => !engine.egressBlocked && engine.kind !== 'endpoint')) {
    limits.push('The throwaway server was bound to loopback, and its way out to the network was not blocked.')
  }
  if (engines.some(engine => engine.kind === 'maven')) {
    limits.push('The throwaway server was put together from Maven Central and lacks the x-pack modules.')
  }
  return limits
}

/** What is true only of chained restores, and of a server that read the store itself. */
export function howLimits(restores: readonly RestoreRow[]): string[] {
  const limits: string[] = []
  if (restores.some(({ method }) => method === 'chained')) {
    limits.push(
      'Chained restores copied only what differed from the content before; the blobs of a content were read at different times of this run, and the evidence names who read each.',
    )
  }
  if (restores.some(({ source }) => source === 's3')) {
    limits.push(
      'The throwaway server read the store itself: it reached the network and was given the credentials of this run.',
    )
  }
  return limits
}
