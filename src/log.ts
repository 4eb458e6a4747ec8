/**
 * The log port. Logs and progress go to stderr, stdout carries the result only. Adapters live in `cli/`.
 * Rooms that judge or plan do not log: they return what they would have said.
 */
export interface Log {
  /** Something a person wants to see once. */
  info(message: string, fields?: LogFields): void
  /** Something that is not as it should be and does not stop the run. */
  warn(message: string, fields?: LogFields): void
  /** A step of long work; adapters may drop some. `total` null where it is not known. */
  progress(
    what: string,
    done: number,
    total: number | null,
    unit: 'blobs' | 'bytes' | 'contents' | 'indices' | 'snapshots' | 'runs',
  ): void
}
/** Flat values, never secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>

export const silentLog: Log = { info: () => {}, warn: () => {}, progress: () => {} }
