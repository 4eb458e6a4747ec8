/**
 * Texts in a temporary file, found again by number: eight bytes of memory for each. The file has no name, so that nothing is
 * left whatever ends the process.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { SnapproofError } from '../errors.ts'

const batchBytes = 1024 ** 2

export class RowSpool {
  private readonly folder: string
  private readonly file: number
  /** Where each text begins; the last entry is the end. */
  private starts = new Float64Array(1024)
  private count = 0
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private written = 0

  /** Throws `SnapproofError` `disk-full` where the folder takes no file. */
  constructor(temporaryFolder: string) {
    this.folder = attempt(`a temporary file in ${temporaryFolder}`, () =>
      mkdtempSync(join(temporaryFolder, 'snapproof-rows-')),
    )
    const path = join(this.folder, 'rows')
    this.file = openSync(path, 'wx+', 0o600)
    // Open files live on without a name; where that is not so, closing removes it.
    if (process.platform !== 'win32') rmSync(this.folder, { recursive: true, force: true })
  }

  /** Returns its number. Throws `SnapproofError` `disk-full`. */
  append(text: string): number {
    const bytes = Buffer.from(text)
    if (this.count + 2 > this.starts.length) {
      const larger = new Float64Array(this.starts.length * 2)
      larger.set(this.starts)
      this.starts = larger
    }
    this.waiting.push(bytes)
    this.waitingBytes += bytes.length
    this.starts[this.count + 1] = this.written + this.waitingBytes
    if (this.waitingBytes >= batchBytes) this.flush()
    return this.count++
  }

  read(row: number): string {
    if (!(row >= 0 && row < this.count)) throw new RangeError(`there is no row ${row}`)
    const start = this.starts[row] ?? 0
    const end = this.starts[row + 1] ?? 0
    if (end > this.written) this.flush()
    const bytes = Buffer.allocUnsafe(end - start)
    for (let at = 0; at < bytes.length; ) {
      const got = readSync(this.file, bytes, at, bytes.length - at, start + at)
      if (got === 0) throw new SnapproofError('internal', `the temporary file ends before row ${row}`)
      at += got
    }
    return bytes.toString()
  }

  close(): void {
    closeSync(this.file)
    rmSync(this.folder, { recursive: true, force: true })
  }

  private flush(): void {
    const bytes = Buffer.concat(this.waiting)
    attempt('rows into a temporary file', () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at, bytes.length - at, this.written + at)
    })
    this.written += bytes.length
    this.waiting = []
    this.waitingBytes = 0
  }
}

function attempt<T>(what: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw new SnapproofError('disk-full', `cannot write ${what}`, {
      advice: 'Set TMPDIR to a folder with room, or narrow it with --snapshot or --index.',
      cause: error,
    })
  }
}
