/**
 * Every call of every port of a whole audit fails in turn, in each way that fits: on one machine, as the steps of an array, and with a ledger
 * that is a local file. Afterwards nothing is invented, lost, doubled or left behind, and the next audit says what one says that never met
 * a fault.
 *
 * Here a sample with a fixed stride; `npm run test:all -- faults` takes every call (SNAPPROOF_FAULTS_STRIDE=1).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultPoint } from './faultPoint.ts'
import { type Truth, truthOf, wrongAfter, wrongIn, wrongLedger } from './truth.ts'
import { damagedRepository, expireLease, newWorld, removeWorld } from './wholeAudit.ts'

const stride = Number(process.env.SNAPPROOF_FAULTS_STRIDE ?? '0')
/** `port/kind/call`: one case, as a failure names it. */
const only = process.env.SNAPPROOF_FAULTS_CASE?.split('/') ?? null

interface Kind {
  readonly port: string
  readonly kind: string
  readonly lasting?: boolean
  /** @default 'audit' */
  readonly as?: 'audit' | 'array' | 'local'
  /** An accusation that this fault earns: a store that says so itself. */
  readonly allowed?: RegExp
  /** Calls in a clean audit, at least. */
  readonly atLeast: number
  /** Cases in `npm test`. @default 1 */
  readonly sample?: number
}

const says = (...codes: string[]) => new RegExp(`^(${codes.join('|')}) `)
const kinds: readonly Kind[] = [
  { port: 'repository', kind: 'refused', atLeast: 100, sample: 2 },
  { port: 'repository', kind: 'refused', lasting: true, atLeast: 100 },
  // A role that is refused one object may be refused this object alone.
  { port: 'repository', kind: 'denied', atLeast: 100, allowed: says('unreadable-blob') },
  { port: 'repository', kind: 'denied', lasting: true, atLeast: 100, allowed: says('unreadable-blob') },
  { port: 'repository', kind: 'missing', atLeast: 100, sample: 2 },
  { port: 'repository', kind: 'cut', atLeast: 100 },
  { port: 'repository', kind: 'truncated', atLeast: 100, sample: 2 },
  { port: 'repository', kind: 'longer', atLeast: 100 },
  { port: 'repository', kind: 'flipped', atLeast: 100, sample: 2 },
  { port: 'ledger', kind: 'refused', atLeast: 15, sample: 2 },
  { port: 'ledger', kind: 'refused', lasting: true, atLeast: 15, sample: 2 },
  { port: 'ledger', kind: 'denied', lasting: true, atLeast: 15 },
  { port: 'ledger', kind: 'lost', atLeast: 10, sample: 2 },
  { port: 'ledger', kind: 'full', atLeast: 10 },
  { port: 'ledger', kind: 'conflict', atLeast: 10, sample: 2 },
  { port: 'ledger', kind: 'cut', atLeast: 3 },
  { port: 'ledger', kind: 'truncated', atLeast: 1 },
  { port: 'ledger', kind: 'flipped', atLeast: 1 },
  { port: 'engine start', kind: 'refused', atLeast: 1 },
  { port: 'engine', kind: 'reset', atLeast: 50, sample: 2 },
  { port: 'engine', kind: 'reset', lasting: true, atLeast: 50 },
  { port: 'engine', kind: 'lost', atLeast: 50, sample: 2 },
  { port: 'engine', kind: 'cut', atLeast: 50 },
  { port: 'engine', kind: 'truncated', atLeast: 50 },
  { port: 'engine', kind: 'empty', atLeast: 50, sample: 2 },
  { port: 'engine', kind: 'empty', lasting: true, atLeast: 50 },
  { port: 'engine', kind: 'silence', atLeast: 50 },
  { port: 'engine', kind: 'die', atLeast: 50, sample: 2 },
  { port: 'engine', kind: 'die', lasting: true, atLeast: 50 },
  ...[404, 409, 429, 500, 503].flatMap(status => [
    { port: 'engine', kind: String(status), atLeast: 50 },
    { port: 'engine', kind: String(status), lasting: true, atLeast: 50 },
  ]),
  { port: 'disk', kind: 'ENOSPC', atLeast: 200, sample: 3 },
  { port: 'disk', kind: 'ENOSPC', lasting: true, atLeast: 200, sample: 2 },
  { port: 'disk', kind: 'EIO', atLeast: 200, sample: 2 },
  { port: 'sqlite', kind: 'SQLITE_FULL', atLeast: 50 },
  { port: 'sqlite', kind: 'SQLITE_IOERR_WRITE', atLeast: 50, sample: 2 },
  { port: 'metrics', kind: 'refused', atLeast: 1 },
  { port: 'output', kind: 'refused', atLeast: 1 },
  { port: 'output', kind: 'denied', atLeast: 1 },
  // The folder of an array: its plan, and what its machines leave.
  { as: 'array', port: 'array', kind: 'refused', atLeast: 25, sample: 2 },
  { as: 'array', port: 'array', kind: 'refused', lasting: true, atLeast: 25 },
  { as: 'array', port: 'array', kind: 'denied', lasting: true, atLeast: 25 },
  { as: 'array', port: 'array', kind: 'lost', atLeast: 10 },
  { as: 'array', port: 'array', kind: 'full', atLeast: 10 },
  { as: 'array', port: 'array', kind: 'conflict', atLeast: 10 },
  { as: 'array', port: 'array', kind: 'truncated', atLeast: 10 },
  { as: 'array', port: 'ledger', kind: 'refused', atLeast: 25, sample: 2 },
  { as: 'array', port: 'ledger', kind: 'refused', lasting: true, atLeast: 25 },
  { as: 'array', port: 'ledger', kind: 'lost', atLeast: 15 },
  { as: 'array', port: 'ledger', kind: 'conflict', atLeast: 15 },
  { as: 'array', port: 'repository', kind: 'refused', lasting: true, atLeast: 100 },
  { as: 'array', port: 'repository', kind: 'flipped', atLeast: 100, sample: 2 },
  { as: 'array', port: 'engine', kind: 'die', atLeast: 50 },
  { as: 'array', port: 'engine', kind: 'reset', lasting: true, atLeast: 50 },
  { as: 'array', port: 'disk', kind: 'ENOSPC', atLeast: 200, sample: 2 },
  { as: 'array', port: 'sqlite', kind: 'SQLITE_FULL', atLeast: 50 },
  // `sync: none`: nothing but the disk keeps the ledger.
  { as: 'local', port: 'disk', kind: 'ENOSPC', atLeast: 200, sample: 2 },
  { as: 'local', port: 'disk', kind: 'ENOSPC', lasting: true, atLeast: 200 },
  { as: 'local', port: 'disk', kind: 'EIO', atLeast: 200 },
  { as: 'local', port: 'sqlite', kind: 'SQLITE_FULL', atLeast: 50 },
  { as: 'local', port: 'sqlite', kind: 'SQLITE_IOERR_WRITE', atLeast: 50 },
]

let folder = ''
let repository = ''
let truth: Truth
let worlds = 0
const counts: { as: string; port: string; kind: string; lasting: boolean; calls: number; failed: number }[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-faults-'))
  repository = await damagedRepository(folder)
  const { run } = await (await world()).night()
  if (run === null) throw new Error('an audit without a fault did not complete')
  truth = truthOf(run)
}, 300_000)
afterAll(async () => {
  const file = process.env.SNAPPROOF_FAULTS_RESULT
  const failed = counts.reduce((sum, one) => sum + one.failed, 0)
  if (file !== undefined) await writeFile(file, JSON.stringify({ stride, calls: failed, kinds: counts }))
  await rm(folder, { recursive: true, force: true })
})

const world = (as: Kind['as'] = 'audit') =>
  newWorld(join(folder, `world-${++worlds}`), repository, null, as === 'local' ? 'none' : 'store')

/** One audit with the fault, and the clean one after it. */
async function suffer(point: FaultPoint, allowed: RegExp, as: Kind['as']): Promise<string[]> {
  const own = await world(as)
  try {
    const night = await own.night(point, { as: as === 'array' ? 'array' : 'audit' })
    if (point.fired === 0) return []
    const wrong = wrongIn(night, truth, allowed)
    await expireLease(own)
    const next = await own.night()
    // A wrong accusation of the store's own making is cured by looking again.
    wrong.push(...wrongAfter(next, truth, false), ...(await wrongLedger(own)))
    return wrong.map(one => `${point}: ${one}`)
  } finally {
    await removeWorld(own)
  }
}

const counted = new Map<string, number>()

/** Calls of a clean audit that this kind can hit. */
async function countCalls({ port, kind, lasting = false, as }: Kind): Promise<number> {
  // Of these, every kind can hit every call.
  const key = `${as} ${['engine', 'disk', 'sqlite'].includes(port) ? port : `${port} ${kind}`}`
  const known = counted.get(key)
  if (known !== undefined) return known
  const own = await world(as)
  const point = new FaultPoint({ port, kind, call: 0, lasting })
  await own.night(point, { as: as === 'array' ? 'array' : 'audit' })
  await removeWorld(own)
  counted.set(key, point.calls)
  return point.calls
}

/** Groups are restored side by side, so that two audits differ in a few calls: that many each of them has. */
function certain(total: number): number {
  return Math.max(1, Math.floor(total * 0.9))
}

/** Which calls of `total` are failed: all, every so many, or a few spread evenly; never the same for two kinds. */
function chosen(total: number, { sample = 1 }: Kind, place: number): number[] {
  const all = Array.from({ length: total }, (_, i) => i + 1)
  if (only !== null) return [Number(only[2])]
  if (stride > 0) return all.filter(call => (call + place) % stride === 0)
  const step = Math.max(1, Math.floor(certain(total) / sample))
  return all.filter(call => (call + place * 7) % step === 0).slice(0, sample)
}

const named = kinds.map((kind, place) => {
  const { as = 'audit', lasting } = kind
  return { ...kind, as, place, name: `${kind.kind}${lasting ? '-lasting' : ''}${as === 'audit' ? '' : `-${as}`}` }
})

describe.each(named)('$port: $name', kind => {
  const { port, as, lasting = false, allowed = /^never$/, atLeast, place, name } = kind
  test.skipIf(only !== null && (only[0] !== port || only[1] !== name))(
    'nothing is invented, lost, doubled or left',
    async () => {
      const total = await countCalls(kind)
      expect(total).toBeGreaterThanOrEqual(atLeast)
      const wrong: string[] = []
      let failed = 0
      const fail = async (call: number) => {
        const point = new FaultPoint({ port, kind: kind.kind, call, lasting })
        wrong.push(...(await suffer(point, allowed, as)))
        if (point.fired > 0) failed++
        return point
      }
      for (const call of chosen(total, kind, place)) {
        const point = await fail(call)
        // Armed and not fired proves nothing.
        if (point.fired === 0 && call <= certain(total)) wrong.push(`${point} was armed and never fired`)
      }
      // After the last call there is none to fail.
      for (let call = total + 1; stride === 1 && (await fail(call)).fired > 0; call++)
        expect(call).toBeLessThan(2 * total)
      counts.push({ as, port, kind: kind.kind, lasting, calls: total, failed })
      expect(wrong).toEqual([])
    },
    3_600_000 * 3,
  )
})
