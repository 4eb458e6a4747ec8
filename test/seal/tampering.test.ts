/** A chain of 30 runs, bent in every way that we could think of: each is named at the seal where it lies, and nothing else is. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { KnownHead } from '../../src/seal/chain.ts'
import { judgeChain } from '../../src/seal/chain.ts'
import { signerOf } from '../../src/seal/keys.ts'
import { judgeBytes } from '../../src/seal/readChain.ts'
import { decodeSeal, type SealRecord, sealName, sha256 } from '../../src/seal/record.ts'
import { verifyChain } from '../../src/seal/verify.ts'
import type { MemoryStore } from '../support/memoryStore.ts'
import { bytesOf, chainOf, keys, recordOf, runsOf, sealOf, signal, theirs, withByte } from './support.ts'

const nights = 30
let healthy: MemoryStore

beforeAll(async () => {
  healthy = await chainOf(nights)
})

type Bend = (store: MemoryStore) => Promise<void> | void

const put = (store: MemoryStore, number: number, bytes: Buffer) => store.put(sealName(number), bytes)
const remove = (store: MemoryStore, number: number) => store.delete(sealName(number))

function recordAt(store: MemoryStore, number: number): SealRecord {
  const seal = decodeSeal(bytesOf(store, number))
  if (typeof seal === 'string') throw new Error(seal)
  return seal.record
}

/** `kind number`, with `-to` where a row of numbers is meant. */
async function problemsOf(bend: Bend, heads: readonly KnownHead[] = [], runs: MemoryStore | null = null) {
  const store = await chainOf(nights)
  await bend(store)
  const { problems } = await verifyChain({ chain: store, keys, heads, runs, signal })
  return problems.map(({ kind, number, to }) => `${kind} ${number}${to === null || to === number ? '' : `-${to}`}`)
}

const headAt = (number: number, from = 'a report'): KnownHead => ({
  number,
  hash: sha256(bytesOf(healthy, number)),
  from,
})

test('a healthy chain gives nothing, with every known head and all files of the runs', async () => {
  const heads = [headAt(30), headAt(1), { ...headAt(17), number: null }]
  const found = await verifyChain({ chain: healthy, keys, heads, runs: await runsOf(nights), signal })
  expect(found).toMatchObject({
    seals: 30,
    head: { number: 30, hash: sha256(bytesOf(healthy, 30)) },
    problems: [],
    notes: [],
  })
})

describe('files of runs that are gone', () => {
  // Runs of the nights 1 to 9 began before; that of night 10 began in that very moment.
  const keptSince = recordOf(10).run.startedAt
  const compare = async (bend: (runs: MemoryStore) => Promise<void>, since: string | null = keptSince) => {
    const runs = await runsOf(nights)
    await bend(runs)
    const found = await verifyChain({ chain: healthy, keys, heads: [], runs, keptSince: since, signal })
    return [found.runsPurged, found.problems.map(({ kind, number }) => [kind, number])]
  }
  const remove = async (runs: MemoryStore, night: number, names = ['run.json', 'report.html']) => {
    for (const name of names) await runs.delete(`run-${night}/${name}`)
  }

  test('accuse nobody where their age explains it, and are counted', async () => {
    expect(await compare(runs => remove(runs, 9))).toEqual([1, []])
    expect(
      await compare(async runs => {
        for (let night = 1; night <= 9; night++) await remove(runs, night)
      }),
    ).toEqual([9, []])
  })

  test.each([
    ['of a run that is not old enough', 10, undefined],
    ['one of the two', 3, ['run.json']],
    ['the other one', 3, ['report.html']],
  ] as [string, number, string[] | undefined][])('are missing: %s', async (_, night, names) => {
    const missing = (names ?? ['', '']).map(() => ['missing', night])
    expect(await compare(runs => remove(runs, night, names))).toEqual([0, missing])
  })

  test('are missing where nothing is removed on purpose', async () => {
    const missing = [
      ['missing', 1],
      ['missing', 1],
    ]
    expect(await compare(runs => remove(runs, 1), null)).toEqual([0, missing])
  })

  test('excuse no file that is there and is another', async () => {
    const bent = await compare(async runs => {
      await remove(runs, 2, ['run.json'])
      await runs.put('run-2/report.html', Buffer.from('all is well'))
    })
    expect(bent).toEqual([
      0,
      [
        ['missing', 2],
        ['altered', 2],
      ],
    ])
  })
})

test.each([1, 15, 30])('each single byte of seal %i, flipped in two ways, is seen', number => {
  const bytes = bytesOf(healthy, number)
  const kinds = new Map<string, number>()
  for (let at = 0; at < bytes.length; at++) {
    for (const xor of [0x01, 0x20]) {
      const { trusted, trouble } = judgeBytes(withByte(bytes, at, xor), keys)
      expect(trusted, `byte ${at} of ${bytes.length}`).toBeNull()
      kinds.set(trouble?.kind ?? 'none', (kinds.get(trouble?.kind ?? 'none') ?? 0) + 1)
    }
  }
  // A flip in the 64 digits of the key's fingerprint that gives another digit names a key that nobody knows.
  expect([...kinds.keys()].sort()).toEqual(['altered', 'unknown-key'])
  expect(kinds.get('unknown-key')).toBeLessThanOrEqual(128)
})

test.each([1, 15, 30])('and in the chain seal %i alone is named, whichever region it is', async number => {
  const { length } = bytesOf(healthy, number)
  for (let at = 0; at < length; at += 151) {
    const found = await problemsOf(store => put(store, number, withByte(bytesOf(store, number), at, 0x04)))
    expect(found).toHaveLength(1)
    expect(found[0], `byte ${at}`).toMatch(new RegExp(`^(?:altered|unknown-key) ${number}$`))
  }
})

const bends: [string, Bend, string[]][] = [
  ['the first removed', store => remove(store, 1), ['missing 1']],
  ['one removed', store => remove(store, 12), ['missing 12']],
  [
    'three in a row removed',
    async store => {
      for (const number of [12, 13, 14]) await remove(store, number)
    },
    ['missing 12-14'],
  ],
  [
    'two swapped',
    async store => {
      const [five, six] = [bytesOf(store, 5), bytesOf(store, 6)]
      await put(store, 5, six)
      await put(store, 6, five)
    },
    ['out-of-order 5', 'out-of-order 6'],
  ],
  ['one copied over its follower', store => put(store, 6, bytesOf(store, 5)), ['doubled 6']],
  ['the last copied behind the end', store => put(store, 31, bytesOf(store, 30)), ['doubled 31']],
  [
    'a signed second one with the number of another',
    async store => put(store, 7, await sealOf({ ...recordAt(store, 7), run: { ...recordOf(7).run, id: 'another' } })),
    ['altered 7'],
  ],
  [
    'the head forged with another key',
    async store => {
      const forger = signerOf(theirs.privateKey)
      await put(store, 30, await sealOf({ ...recordAt(store, 30), key: forger.key }, forger))
    },
    ['unknown-key 30'],
  ],
  [
    'the head forged with another key that claims to be ours',
    async store => put(store, 30, await sealOf(recordAt(store, 30), signerOf(theirs.privateKey))),
    ['altered 30'],
  ],
  [
    'the signature of another record',
    store => {
      const lines = (number: number) => String(bytesOf(store, number)).split('\n')
      return put(store, 30, Buffer.from(`${lines(30)[0]}\n${lines(29)[1]}\n`))
    },
    ['altered 30'],
  ],
  [
    'a time changed',
    store => put(store, 9, Buffer.from(String(bytesOf(store, 9)).replace('2026-01-09T', '2026-01-08T'))),
    ['altered 9'],
  ],
  [
    'an exit code changed',
    store => put(store, 9, Buffer.from(String(bytesOf(store, 9)).replace('"exitCode":0', '"exitCode":4'))),
    ['altered 9'],
  ],
  ['emptied', store => put(store, 9, Buffer.alloc(0)), ['altered 9']],
  ['cut in the middle', store => put(store, 9, bytesOf(store, 9).subarray(0, 300)), ['altered 9']],
  [
    'a space at its end',
    store => put(store, 30, Buffer.concat([bytesOf(store, 30), Buffer.from(' ')])),
    ['altered 30'],
  ],
  ['far too long', store => put(store, 9, Buffer.alloc(200_000, 0x20)), ['altered 9']],
  [
    'of a layout to come',
    store => put(store, 30, Buffer.from(String(bytesOf(store, 30)).replace('{"seal":1', '{"seal":2'))),
    ['newer-layout 30'],
  ],
  [
    'a name that is almost one',
    store => store.put('seal-0000000005 (1).jsonl', bytesOf(store, 5)),
    ['foreign-file null'],
  ],
  ['everything removed', store => store.objects.clear(), ['missing 1']],
  [
    'a number far behind the end',
    store => put(store, 1_000_000, bytesOf(store, 30)),
    ['missing 31-999999', 'doubled 1000000'],
  ],
]

test.each(bends)('%s', async (_, bend, expected) => {
  expect(await problemsOf(bend)).toEqual(expected)
})

describe('a known head', () => {
  test('shows that the end was cut, and how much of it', async () => {
    const cut: Bend = async store => {
      for (const number of [29, 30]) await remove(store, number)
    }
    expect(await problemsOf(cut)).toEqual([])
    expect(await problemsOf(cut, [headAt(30)])).toEqual(['cut 29-30'])
    expect(await problemsOf(cut, [{ ...headAt(30), number: null }])).toEqual(['cut null'])
    expect(await problemsOf(cut, [headAt(28)])).toEqual([])
    expect(await problemsOf(store => store.objects.clear(), [headAt(30)])).toEqual(['missing 1', 'cut 1-30'])
  })

  test('shows that somebody with the key wrote the last seal again', async () => {
    const rewritten: Bend = async store =>
      put(store, 30, await sealOf({ ...recordAt(store, 30), sealedAt: '2026-02-01T00:00:00.000Z' }))
    expect(await problemsOf(rewritten)).toEqual([])
    expect(await problemsOf(rewritten, [headAt(30)])).toEqual(['altered 30'])
  })

  test('and what has followed it accuses nobody', async () => {
    expect(await problemsOf(() => {}, [headAt(3)])).toEqual([])
  })
})

describe('the files of the runs', () => {
  test('changed, or gone', async () => {
    const runs = await runsOf(nights)
    await runs.put('run-4/run.json', Buffer.from('{}'))
    await runs.delete('run-5/report.html')
    expect(await problemsOf(() => {}, [], runs)).toEqual(['altered 4', 'missing 5'])
  })

  test('of a run that was sealed twice are those of the second', async () => {
    const store = await chainOf(nights)
    const record = recordOf(30)
    const changed = { ...record.outputs, runJson: sha256('second') }
    await put(
      store,
      31,
      await sealOf({ ...record, number: 31, previous: sha256(bytesOf(store, 30)), outputs: changed }),
    )
    const runs = await runsOf(nights)
    await runs.put('run-30/run.json', Buffer.from('second'))
    const { problems, notes } = await verifyChain({ chain: store, keys, heads: [], runs, signal })
    expect(problems).toEqual([])
    expect(notes).toEqual(['seal 31 replaces seal 30: both are of run run-30'])
  })
})

test('a run that somebody remembers and that has no seal is told and accuses nobody', async () => {
  const known = [
    { id: 'run-5', endedAt: '2026-01-05T02:00:00.000Z' },
    { id: 'before the first', endedAt: '2025-12-05T02:00:00.000Z' },
    { id: 'unsealed', endedAt: '2026-01-06T02:00:00.000Z' },
  ]
  const { problems, notes } = await verifyChain({ chain: healthy, keys, heads: [], runs: null, known, signal })
  expect([problems, notes]).toEqual([[], ['run unsealed, which ended at 2026-01-06T02:00:00.000Z, has no seal']])
})

test('a clock that was wrong is told and accuses nobody', async () => {
  const store = await chainOf(2)
  const early = { ...recordOf(3), number: 3, previous: sha256(bytesOf(store, 2)), sealedAt: '2025-12-01T00:00:00.000Z' }
  await put(store, 3, await sealOf(early))
  const { problems, notes } = await verifyChain({ chain: store, keys, heads: [], runs: null, signal })
  expect(problems).toEqual([])
  expect(notes).toHaveLength(1)
})

test('members that a later version added are signed and kept; the chain goes on with both', async () => {
  const store = await chainOf(2)
  const record = { ...recordOf(3), number: 3, previous: sha256(bytesOf(store, 2)) }
  await put(store, 3, await sealOf({ ...record, later: { more: 'ü' } } as SealRecord))
  const { problems } = await verifyChain({ chain: store, keys, heads: [], runs: null, signal })
  expect(problems).toEqual([])
})

test('keys change: a chain is good with all that signed in it, and with one of them the rest is not', async () => {
  const store = await chainOf(2)
  const second = signerOf(theirs.privateKey)
  const record = { ...recordOf(3, second), number: 3, previous: sha256(bytesOf(store, 2)) }
  await put(store, 3, await sealOf(record, second))
  const both = new Map([...keys, [second.key, theirs.publicKey]])
  const problems = async (with_: typeof keys) =>
    (await verifyChain({ chain: store, keys: with_, heads: [], runs: null, signal })).problems.map(one => one.kind)
  expect(await problems(both)).toEqual([])
  expect(await problems(keys)).toEqual(['unknown-key'])
  expect(await problems(new Map([[second.key, theirs.publicKey]]))).toEqual(['unknown-key', 'unknown-key'])
})

test('an empty list of seals is never good', () => {
  expect(judgeChain([], []).problems.map(({ kind }) => kind)).toEqual(['missing'])
})
