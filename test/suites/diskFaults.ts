/**
 * A local disk that fails: the functions of `node:fs` and of SQLite that write, wrapped for as long as a run lasts. A real disk
 * cannot be told to be full at the seventh write, so this is done at the last place before the kernel.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { FaultPoint } from './faultPoint.ts'

type Any = (...args: never[]) => unknown
type Table = Record<string, Any>

const promised = ['mkdir', 'writeFile', 'open', 'rename', 'link', 'symlink', 'cp'] as const
const synchronous = [
  'mkdirSync',
  'openSync',
  'writeSync',
  'linkSync',
  'renameSync',
  'copyFileSync',
  'fsyncSync',
] as const
const ofHandles = ['write', 'writev', 'writeFile', 'sync', 'datasync'] as const

/** What `readFileSync` opens: the server beside us, which lives in our process, reads the mirror by it. */
function isWholeRead(name: string, args: readonly unknown[]): boolean {
  return name === 'openSync' && args[1] === 'r' && args.length === 3
}

/** `folder`: only files below it fail; those of the servers beside it do not. */
export async function withFaultyDisk<T>(folder: string, point: FaultPoint, work: () => Promise<T>): Promise<T> {
  if (point.fault.port !== 'disk' && point.fault.port !== 'sqlite') return work()
  const undo: (() => void)[] = []
  const replace = (table: Table, name: string, wrap: (real: Any) => Any) => {
    const real = table[name]
    if (real === undefined) throw new Error(`there is no ${name} to fail`)
    table[name] = wrap(real)
    undo.push(() => {
      table[name] = real
    })
  }
  if (point.fault.port === 'disk') {
    const isOurs = (path: unknown) => typeof path === 'string' && path.startsWith(folder)
    const files = new Set<number>()
    const handles = new WeakSet<object>()
    for (const name of promised) {
      replace(
        fs.promises as never,
        name,
        real =>
          async function (this: unknown, ...args: never[]) {
            if (isOurs(args[0])) fail(point, `${name} ${args[0]}`)
            const result = await real.apply(this, args)
            if (name === 'open' && isOurs(args[0])) handles.add(result as object)
            return result
          },
      )
    }
    for (const name of synchronous) {
      replace(
        fs as never,
        name,
        real =>
          function (this: unknown, ...args: never[]) {
            const ours = typeof args[0] === 'number' ? files.has(args[0]) : isOurs(args[0]) && !isWholeRead(name, args)
            if (ours) fail(point, `${name} ${args[0]}`)
            const result = real.apply(this, args)
            if (name === 'openSync' && ours) files.add(Number(result))
            return result
          },
      )
    }
    const handle = await fs.promises.open(join(tmpdir(), '.'), 'r')
    const prototype = Object.getPrototypeOf(handle) as Table
    await handle.close()
    for (const name of ofHandles) {
      replace(
        prototype,
        name,
        real =>
          async function (this: object, ...args: never[]) {
            if (handles.has(this)) fail(point, `${name} of a file`)
            return real.apply(this, args)
          },
      )
    }
  } else {
    const prototype = Database.prototype as unknown as Table
    for (const name of ['exec', 'pragma']) {
      replace(
        prototype,
        name,
        real =>
          function (this: unknown, ...args: never[]) {
            fail(point, `${name} ${args[0]}`)
            return real.apply(this, args)
          },
      )
    }
    replace(
      prototype,
      'prepare',
      real =>
        function (this: unknown, ...args: never[]) {
          const statement = real.apply(this, args) as { run: Any; reader: boolean }
          if (statement.reader) return statement
          const { run } = statement
          statement.run = (...values) => {
            fail(point, `run ${args[0]}`)
            return run.apply(statement, values)
          }
          return statement
        },
    )
  }
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    for (const one of undo.reverse()) one()
    syncBuiltinESMExports()
  }
}

function fail(point: FaultPoint, what: string): void {
  if (!point.hits(point.fault.port, what)) return
  const { kind } = point.fault
  throw point.fault.port === 'sqlite'
    ? new Database.SqliteError(`injected: ${kind}`, kind)
    : Object.assign(new Error(`${kind}: injected, ${what}`), { code: kind })
}
