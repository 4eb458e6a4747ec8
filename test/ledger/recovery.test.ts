import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { ledgerKey } from '../../src/ledger/ledgerObject.ts'
import { schemaVersion } from '../../src/ledger/schema.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { memoryStore } from '../support/memoryStore.ts'
import type { TestClock } from './support.ts'
import { contentRow, day, newFolder, openTest, runRow, signal, testClock } from './support.ts'

async function twoNights(store: MemoryStore | null, clock: TestClock, file?: string, repositoryName = 'prod') {
  for (const night of [1, 2]) {
    const session = await openTest(store, clock, { repositoryName, ...(file === undefined ? {} : { file }) })
    await session.journal(`night-${night}`, [contentRow({ contentId: `c${night}` })], signal)
    await session.journal(`night-${night}`, [runRow({ runId: `night-${night}` })], signal)
    await session.store(signal)
    await session.close()
  }
}

/** One page of a table overwritten, the header untouched. */
function scribbled(sqlite: Buffer): Buffer {
  const bytes = Buffer.from(sqlite)
  bytes.fill(0xab, 4096 * 2, 4096 * 3)
  return bytes
}
function withVersion(sqlite: Buffer, version: number): Buffer {
  const bytes = Buffer.from(sqlite)
  bytes.writeUInt32BE(version, 60)
  return bytes
}
function alien(): Buffer {
  const db = new Database(':memory:')
  db.exec('CREATE TABLE precious (x); INSERT INTO precious VALUES (1)')
  const bytes = db.serialize()
  db.close()
  return bytes
}
const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3)) & 255))

function overwrite(store: MemoryStore, key: string, bytes: Buffer): void {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  store.objects.set(key, { bytes, etag, modifiedMs: 0 })
}
function stored(store: MemoryStore): Buffer {
  const held = store.objects.get(ledgerKey)
  if (held === undefined) throw new Error('no ledger is stored')
  return held.bytes
}

describe('a damaged ledger object', () => {
  test.each<[string, (good: Buffer) => Buffer | Promise<Buffer>, RegExp]>([
    ['cut in the middle', good => good.subarray(0, good.length / 2), /gzip: unexpected end of file/],
    ['cut to nothing', () => Buffer.alloc(0), /is damaged/],
    ['random bytes', () => noise, /gzip: incorrect header check/],
    ['random bytes, compressed', () => gzipSync(noise), /it is no SQLite file/],
    ['a page overwritten', good => gzipSync(scribbled(gunzipSync(good))), /is damaged/],
    ['a bit flipped', good => Buffer.from(good.map((byte, i) => (i === 200 ? byte ^ 1 : byte))), /gzip: /],
    ['cut and compressed again', good => gzipSync(gunzipSync(good).subarray(0, 8192)), /is damaged/],
    ['an empty file, compressed', () => gzipSync(Buffer.alloc(0)), /it is empty/],
    ['a database of another program', () => gzipSync(alien()), /SQLite file of another program/],
    [
      'the ledger of another repository',
      async () => {
        const other = memoryStore(() => 0)
        await twoNights(other, testClock(), undefined, 'staging')
        return stored(other)
      },
      /is that of the repository "staging"/,
    ],
  ])('%s: rebuilt from the journals, with a warning, and good again once stored', async (_, damage, message) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    overwrite(store, ledgerKey, await damage(stored(store)))

    const reader = await openTest(store, clock, { readOnly: true })
    expect(reader.warnings).toEqual([expect.stringMatching(message)])
    expect(reader.runs(9)).toHaveLength(2)
    await reader.close()

    const session = await openTest(store, clock)
    expect(session.warnings).toEqual([expect.stringMatching(message)])
    expect(session.warnings[0]).toMatch(/rebuilt from 4 journals/)
    expect(session.recentPasses(9).map(row => row.contentId)).toEqual(['c1', 'c2'])
    await session.store(signal)
    await session.close()
    const after = await openTest(store, clock)
    expect(after.warnings).toEqual([])
    expect(after.runs(9)).toHaveLength(2)
    await after.close()
  })

  test('found damaged in a conflict: rebuilt as well, and said', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    const session = await openTest(store, clock)
    overwrite(store, ledgerKey, noise)
    await session.journal('r', [contentRow({ contentId: 'c3' })], signal)
    await session.store(signal)
    expect(session.warnings).toEqual([expect.stringMatching(/is damaged .* rebuilt from 5 journals/)])
    expect(session.recentPasses(9)).toHaveLength(3)
    await session.close()
  })
})

describe('a ledger object that is gone', () => {
  test('after a run had ended: rebuilt with a warning', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    store.objects.delete(ledgerKey)
    const session = await openTest(store, clock)
    expect(session.warnings).toEqual([expect.stringMatching(/is gone: it was rebuilt from 4 journals/)])
    expect(session.runs(9)).toHaveLength(2)
    await session.close()
  })

  test('because the first run died: nothing to say', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    const died = await openTest(store, clock)
    await died.journal('r', [contentRow()], signal)
    await died.close()
    const session = await openTest(store, clock)
    expect(session.warnings).toEqual([])
    expect(session.recentPasses(9)).toHaveLength(1)
    await session.close()
  })
})

describe('what a newer version wrote is refused untouched', () => {
  const next = schemaVersion + 1
  const message = new RegExp(`schema version ${next}, this program knows up to ${schemaVersion}`)
  test('in the store', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    const newer = gzipSync(withVersion(gunzipSync(stored(store)), next))
    overwrite(store, ledgerKey, newer)
    for (const readOnly of [true, false]) {
      const opening = openTest(store, clock, { readOnly })
      await expect(opening).rejects.toMatchObject({ code: 'ledger-newer', message: expect.stringMatching(message) })
      await expect(opening).rejects.toThrow(/memory:\/\/ledger/)
    }
    expect(stored(store).equals(newer)).toBe(true)
  })

  test('in the store, met in a conflict', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    const session = await openTest(store, clock)
    const newer = gzipSync(withVersion(gunzipSync(stored(store)), next))
    overwrite(store, ledgerKey, newer)
    await session.journal('r', [contentRow({ contentId: 'c3' })], signal)
    await expect(session.store(signal)).rejects.toMatchObject({ code: 'ledger-newer' })
    expect(stored(store).equals(newer)).toBe(true)
    expect(session.recentPasses(9)).toHaveLength(3)
    await session.close()
  })

  test('on the disk', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await twoNights(null, clock, file)
    const newer = withVersion(readFileSync(file), next)
    writeFileSync(file, newer)
    for (const readOnly of [true, false])
      await expect(openTest(null, clock, { file, readOnly })).rejects.toMatchObject({
        code: 'ledger-newer',
        message: expect.stringMatching(message),
      })
    expect(readFileSync(file).equals(newer)).toBe(true)
    expect(readdirSync(dirname(file)).filter(name => name.includes('reader'))).toEqual([])
  })

  test('even where the rest of the file cannot be read by this version', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await twoNights(null, clock, file)
    const newer = withVersion(readFileSync(file), next).subarray(0, 5000)
    writeFileSync(file, newer)
    await expect(openTest(null, clock, { file })).rejects.toMatchObject({ code: 'ledger-newer' })
    expect(readFileSync(file).equals(newer)).toBe(true)
  })

  test.each([
    ['a version', { schemaVersion: 2 }],
    ['a kind of row', { rows: [{ kind: 'bytes' }] }],
    ['a reason', { rows: [contentRow({ reason: 'unheard-of' as 'found' })] }],
  ])('a journal with %s that is not known', async (_, change) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    const createdMs = clock.now
    const journal = { schemaVersion: 1, journalId: 'x', repository: 'prod', runId: 'r', createdMs, rows: [], ...change }
    const key = `journals/2026/11/01/${createdMs}-x.json`
    overwrite(store, key, Buffer.from(JSON.stringify(journal)))
    const before = stored(store)
    await expect(openTest(store, clock)).rejects.toMatchObject({ code: 'ledger-newer' })
    expect(stored(store)).toBe(before)
    store.objects.delete(key)
    await (await openTest(store, clock)).close()
  })
})

describe('journals that cannot be folded', () => {
  test.each<[string, string, RegExp]>([
    ['not JSON', '{"schemaVersion":1', /is not JSON; it was left out/],
    ['another repository', JSON.stringify(journalOf('staging')), /belongs to the repository "staging"/],
    ['another id', JSON.stringify({ ...journalOf('prod'), journalId: 'y' }), /says that it is y/],
    [
      'a wrong field',
      JSON.stringify({ ...journalOf('prod'), rows: [{ ...contentRow(), bytes: '7' }] }),
      /bytes is "7"/,
    ],
    [
      'a verdict',
      JSON.stringify({ ...journalOf('prod'), rows: [{ ...contentRow(), verdict: 'fine' }] }),
      /verdict is "fine"/,
    ],
  ])('%s: left out and said, every night, the others taken', async (_, text, message) => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    overwrite(store, `journals/2026/11/01/${testClock().now}-x.json`, Buffer.from(text))
    await twoNights(store, clock)
    clock.now += 100 * day
    for (let night = 0; night < 2; night++) {
      const session = await openTest(store, clock)
      expect(session.warnings).toEqual([expect.stringMatching(message)])
      expect(session.runs(9)).toHaveLength(2)
      await session.journal('r', [contentRow({ contentId: `new-${night}` })], signal)
      await session.store(signal)
      expect(session.warnings).toHaveLength(1)
      await session.close()
    }
  })

  function journalOf(repository: string) {
    const createdMs = testClock().now
    return { schemaVersion: 1, journalId: 'x', repository, runId: 'r', createdMs, rows: [contentRow()] }
  }
})

describe('old journals', () => {
  test('are no longer listed after 37 days by the store’s clock, and are still there to rebuild from', async () => {
    const clock = testClock()
    const store = memoryStore(() => clock.now)
    await twoNights(store, clock)
    clock.now += 100 * day
    const late = await openTest(store, clock)
    await late.journal('late', [contentRow({ contentId: 'late', atMs: clock.now })], signal)
    await late.store(signal)
    await late.close()
    const listed: (string | undefined)[] = []
    const watched = {
      ...store,
      list: (...[prefix, options]: Parameters<MemoryStore['list']>) => {
        listed.push(options?.startAfter)
        return store.list(prefix, options)
      },
    }
    // A clock that is far behind writes no journal where nobody looks any more.
    const slow = testClock(clock.now - 90 * day)
    const session = await openTest(watched, slow)
    await session.journal('slow', [contentRow({ contentId: 'slow', atMs: slow.now })], signal)
    await session.close()
    expect(listed).toEqual(['journals/2027/01/03/'])
    const after = await openTest(store, clock)
    expect(after.recentPasses(9)).toHaveLength(4)
    await after.store(signal)
    await after.close()
    store.objects.delete(ledgerKey)
    const rebuilt = await openTest(store, clock)
    expect(rebuilt.recentPasses(9)).toHaveLength(4)
    await rebuilt.close()
  })
})

describe('without a store', () => {
  test('a damaged file is moved aside and rebuilt from the journals beside it', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await twoNights(null, clock, file)
    const damaged = scribbled(readFileSync(file))
    writeFileSync(file, damaged)
    const reader = await openTest(null, clock, { file, readOnly: true })
    expect(reader.warnings).toEqual([expect.stringMatching(/is damaged .* rebuilt from 4 journals/)])
    await reader.close()
    expect(readFileSync(file).equals(damaged)).toBe(true)
    const session = await openTest(null, clock, { file })
    expect(session.warnings).toEqual([expect.stringMatching(/is damaged .* rebuilt from 4 journals/)])
    expect(session.runs(9)).toHaveLength(2)
    await session.close()
    const [aside] = readdirSync(dirname(file)).filter(name => name.startsWith('ledger.sqlite.damaged-'))
    expect(readFileSync(join(dirname(file), aside ?? 'none')).equals(damaged)).toBe(true)
  })

  test('a file that is gone or empty is rebuilt with a warning', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await twoNights(null, clock, file)
    for (const lose of [() => rmSync(file), () => writeFileSync(file, '')]) {
      lose()
      const session = await openTest(null, clock, { file })
      expect(session.warnings).toEqual([expect.stringMatching(/is gone: it was rebuilt from 4 journals/)])
      expect(session.runs(9)).toHaveLength(2)
      await session.close()
    }
  })

  test('the file of another repository or program is refused and left as it is', async () => {
    const clock = testClock()
    const file = join(newFolder(), 'ledger.sqlite')
    await twoNights(null, clock, file, 'staging')
    const other = readFileSync(file)
    await expect(openTest(null, clock, { file })).rejects.toMatchObject({ code: 'configuration', exitCode: 64 })
    expect(readFileSync(file).equals(other)).toBe(true)

    const precious = join(newFolder(), 'precious.db')
    writeFileSync(precious, alien())
    for (const store of [null, memoryStore(() => clock.now)])
      await expect(openTest(store, clock, { file: precious })).rejects.toMatchObject({ code: 'configuration' })
    expect(readFileSync(precious).equals(alien())).toBe(true)
  })

  test('a folder that cannot be made is one clear error', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'taken'), '')
    const opening = openTest(null, testClock(), { file: join(folder, 'taken', 'ledger.sqlite') })
    await expect(opening).rejects.toMatchObject({ code: 'access-denied' })
    mkdirSync(join(folder, 'dir.sqlite'))
    await expect(openTest(null, testClock(), { file: join(folder, 'dir.sqlite') })).rejects.toMatchObject({
      code: 'access-denied',
    })
    expect(existsSync(join(folder, 'dir.sqlite'))).toBe(true)
  })
})
