/**
 * A check that remembers earlier nights says what one that remembers nothing says, whatever happened to the repository between the
 * nights, as long as the store shows that something happened. `SNAPPROOF_HISTORIES=3000`: many more nights; `SNAPPROOF_SEED`: others.
 */
import process from 'node:process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckLevel } from '../../src/run/checkReport.ts'
import { dayMs, firstNightMs, judgement, MapMemory, night, VersionedStore } from '../check/nights.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { filesOf } from '../support/memoryReader.ts'

/** Histories of each fixture. */
const histories = Number(process.env.SNAPPROOF_HISTORIES ?? 4)
const seed = Number(process.env.SNAPPROOF_SEED ?? 4)
const fixtures = repositoryFixtures().map(({ name, folder }) => ({ name, files: filesOf(folder) }))

/** What happens on a day. Numbers pick from what is there, whatever that is by then. */
type Event =
  | {
      readonly what: 'flip' | 'truncate' | 'lengthen' | 'empty' | 'remove' | 'touch' | 'archive' | 'repair'
      readonly blob: number
      readonly at: number
    }
  | { readonly what: 'replace'; readonly blob: number; readonly at: number }
  | { readonly what: 'stray'; readonly blob: number; readonly at: number }
  | {
      readonly what: 'drop-snapshot' | 'older-generation' | 'same-generation' | 'stale-latest'
      readonly blob: number
      readonly at: number
    }
interface Day {
  readonly events: readonly Event[]
  readonly level: CheckLevel
  readonly daysLater: number
}

const event: fc.Arbitrary<Event> = fc.record({
  what: fc.constantFrom(
    'flip',
    'truncate',
    'lengthen',
    'empty',
    'remove',
    'touch',
    'archive',
    'repair',
    'replace',
    'replace',
    'stray',
    'drop-snapshot',
    'older-generation',
    'same-generation',
    'stale-latest',
  ),
  blob: fc.nat(1_000_000),
  at: fc.nat(1_000_000),
})
const day: fc.Arbitrary<Day> = fc.record({
  events: fc.array(event, { maxLength: 3 }),
  level: fc.constantFrom('catalogue', 'presence', 'bytes', 'bytes'),
  daysLater: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 200 })),
})
const history = fc.record({
  basePath: fc.constantFrom(null, ''),
  days: fc.array(day, { minLength: 2, maxLength: 5 }),
})

class World {
  readonly store: VersionedStore
  readonly #original: ReadonlyMap<string, Buffer>
  /** Texts of `index-N` that the repository had. */
  readonly #roots: Buffer[] = []

  constructor(files: ReadonlyMap<string, Buffer>, basePath: string | null) {
    this.#original = files
    this.store = new VersionedStore(new Map(files), basePath)
    this.#roots.push(this.store.bytesOf(this.#rootKey()))
  }

  #rootKey(): string {
    const generations = this.store.keys().flatMap(key => (/^index-\d+$/.test(key) ? [Number(key.slice(6))] : []))
    return `index-${Math.max(...generations)}`
  }

  /** As a writer does: the next generation, then `index.latest`. */
  #moveTo(root: Buffer, next: boolean): void {
    const key = this.#rootKey()
    const generation = Number(key.slice(6)) + (next ? 1 : 0)
    this.store.blobs.delete(key)
    this.store.put(`index-${generation}`, root)
    const latest = Buffer.alloc(8)
    latest.writeBigInt64BE(BigInt(generation))
    this.store.put('index.latest', latest)
  }

  apply({ what, blob, at }: Event): void {
    const { store } = this
    const pick = (keys: readonly string[], number: number): string => keys[number % keys.length] ?? ''
    // Without its root nothing is there to be compared.
    const key = pick(
      store.keys().filter(one => !/^index-\d+$/.test(one)),
      blob,
    )
    const bytes = store.bytesOf(key)
    switch (what) {
      case 'flip': {
        if (bytes.length === 0) return
        const changed = Buffer.from(bytes)
        changed[at % bytes.length] = (changed[at % bytes.length] ?? 0) ^ (1 << (at % 8))
        store.put(key, changed)
        return
      }
      case 'truncate':
        store.put(key, bytes.subarray(0, at % Math.max(1, bytes.length)))
        return
      case 'lengthen':
        store.put(key, Buffer.concat([bytes, Buffer.from('more')]))
        return
      case 'empty':
        store.put(key, Buffer.alloc(0))
        return
      case 'remove':
        store.blobs.delete(key)
        return
      case 'touch':
        store.put(key, bytes)
        return
      case 'archive':
        // A lifecycle rule changes neither the ETag nor the time.
        store.archive(key)
        return
      case 'repair': {
        const damaged = [...this.#original].filter(([one, was]) => {
          const now = store.blobs.get(one)
          return (
            !/^index-\d+$/.test(one) && (now === undefined || now.storageClass !== 'STANDARD' || !now.bytes.equals(was))
          )
        })
        const [one, was] = damaged[blob % damaged.length] ?? []
        if (one !== undefined && was !== undefined) store.put(one, was)
        return
      }
      case 'replace': {
        // By one of the same kind: what is good by its own checksum and still not what belongs here.
        const kindOf = (one: string) => `${one.split('/').length} ${(one.split('/').at(-1) ?? '').slice(0, 4)}`
        const others = store.keys().filter(one => one !== key && kindOf(one) === kindOf(key))
        if (others.length > 0) store.put(key, store.bytesOf(pick(others, at)))
        return
      }
      case 'stray': {
        const folder = key.slice(0, key.lastIndexOf('/') + 1)
        const modifiedMs = store.nowMs - (at % 2) * 3 * dayMs
        store.put(`${folder}__stray${at % 50}`, Buffer.from('stray'), { modifiedMs })
        return
      }
      case 'drop-snapshot': {
        const root = withoutSnapshot(store.bytesOf(this.#rootKey()), at)
        if (root === null) return
        this.#roots.push(root)
        this.#moveTo(root, true)
        return
      }
      case 'older-generation':
        this.#moveTo(this.#roots[at % this.#roots.length] ?? Buffer.alloc(0), blob % 2 === 0)
        return
      case 'same-generation':
        this.#moveTo(store.bytesOf(this.#rootKey()), true)
        return
      case 'stale-latest':
        store.put('index.latest', Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]))
        return
    }
  }
}

/** `index-N` without one of its snapshots; null when that is the last one. */
function withoutSnapshot(root: Buffer, at: number): Buffer | null {
  const value = JSON.parse(root.toString('utf8'))
  const gone = value.snapshots[at % value.snapshots.length]?.uuid
  if (value.snapshots.length < 2) return null
  value.snapshots = value.snapshots.filter((one: { uuid: string }) => one.uuid !== gone)
  for (const [name, index] of Object.entries<{ snapshots: (string | { uuid: string })[] }>(value.indices)) {
    index.snapshots = index.snapshots.filter(one => (typeof one === 'string' ? one : one.uuid) !== gone)
    if (index.snapshots.length === 0) delete value.indices[name]
  }
  return Buffer.from(JSON.stringify(value))
}

describe.each(fixtures)('$name', ({ name, files }) => {
  test('with and without memory the judgement is the same', { timeout: 60_000 + histories * 2000 }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ basePath, days }) => {
        const world = new World(files, basePath)
        const memory = new MapMemory(90)
        await night(world.store, 'bytes', firstNightMs, memory)
        let nowMs = firstNightMs
        for (const { events, level, daysLater } of days) {
          nowMs += daysLater * dayMs
          world.store.nowMs = nowMs - dayMs / 2
          for (const one of events) world.apply(one)
          const told = judgement(await night(world.store, level, nowMs, memory))
          expect(told).toEqual(judgement(await night(world.store, level, nowMs, null)))
        }
      }),
      { seed: [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), seed) | 0, numRuns: histories },
    )
  })
})
