/**
 * Every damage of the plan on repositories of real servers: one finding that names the blob and accuses exactly the
 * snapshots that need it, and nobody else stands otherwise than before. Here one of each sort, with a fixed seed; all of
 * them with `npm run test:all -- damage`, which sets the environment read below.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { SnapproofError } from '../../src/errors.ts'
import { damagedReader } from '../../src/repository/damage/damaged-reader.ts'
import { type Damage, type DamageLevel, faultKinds } from '../../src/repository/damage/kinds.ts'
import { type Answer, ask, type DamageSuite, oneOfEach, openSuite } from '../repository/damage/suite.ts'
import { rewrite } from '../support/envelope.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { memoryReader } from '../support/memoryReader.ts'

const { SNAPPROOF_DAMAGE_RESULT: resultFile, SNAPPROOF_SEED: seedText, SNAPPROOF_DAMAGE_CASE: onlyCase } = process.env
const all = resultFile !== undefined
const seed = Number(seedText ?? 20261123)
const levels: readonly DamageLevel[] = ['presence', 'bytes']
/** The others get every third. */
const fullSample = 'es-9.5'
/** Fixture → kind → fault → cases. */
const counts: Record<string, Record<string, Record<string, number>>> = {}
const outcomes: Record<string, number> = {}
let failed = 0

describe.each(repositoryFixtures())('$name', fixture => {
  let suite: DamageSuite
  let chosen: readonly Damage[]
  beforeAll(async () => {
    suite = await openSuite(fixture, seed)
    const asked = suite.damages.filter(({ number }) => onlyCase === `${fixture.name}/${number}`)
    if (onlyCase !== undefined) chosen = asked
    else
      chosen = all
        ? suite.damages
        : oneOfEach(suite.damages).filter((_, i) => fixture.name === fullSample || i % 3 === 0)
  })

  it.each(all || fixture.name === fullSample ? levels : levels.slice(1))(
    'one damage is one finding, at level %s',
    async level => {
      const wrong: string[] = []
      for (const damage of chosen) {
        const complaints = await suite.judge(damage, level)
        note(fixture.name, damage, complaints.length > 0)
        if (complaints.length > 0) wrong.push(tell(fixture.name, damage, level, complaints))
      }
      if (all) console.log(`${fixture.name}, ${level}: ${chosen.length} cases, ${wrong.length} failed`)
      expect(wrong).toEqual([])
      if (onlyCase === undefined) expect(chosen.length).toBeGreaterThan(30)
    },
    3_600_000,
  )
})

function note(fixture: string, { kind, fault, expected }: Damage, bad: boolean): void {
  const kinds = counts[fixture] ?? {}
  const faults = kinds[kind] ?? {}
  counts[fixture] = { ...kinds, [kind]: faults }
  faults[fault] = (faults[fault] ?? 0) + 1
  outcomes[expected.kind] = (outcomes[expected.kind] ?? 0) + 1
  if (bad) failed++
}

function tell(fixture: string, damage: Damage, level: DamageLevel, complaints: readonly string[]): string {
  const again = `npm run test:all -- damage --seed ${seed} --case ${fixture}/${damage.number}`
  return `${fixture} ${damage.key}: ${damage.what} (${damage.fault}), at ${level}: ${complaints.join('; ')} [${again}]`
}

describe('the plan', () => {
  let plans: readonly DamageSuite[]
  beforeAll(async () => {
    plans = await Promise.all(repositoryFixtures().map(fixture => openSuite(fixture, seed)))
  })

  it('is the same for the same seed, and another for another', async () => {
    const [fixture] = repositoryFixtures()
    if (fixture === undefined) throw new Error('there is no fixture')
    const [again, other] = await Promise.all([openSuite(fixture, seed), openSuite(fixture, seed + 1)])
    expect(again.damages).toEqual(plans[0]?.damages)
    expect(other.damages).not.toEqual(again.damages)
  })

  it('has every kind of blob with every fault that there is', () => {
    const planned = new Set(plans.flatMap(({ damages }) => damages.map(({ kind, fault }) => `${kind} ${fault}`)))
    // Servers write these once, under a name of their own.
    const once = ['root-snapshot', 'global-metadata', 'shard-snapshot', 'data-blob', 'part']
    const single = ['repository-data', 'index-latest']
    const wanted = [...once, ...single, 'index-metadata', 'shard-generation'].flatMap(kind =>
      faultKinds
        .filter(fault => !(fault === 'older' && once.includes(kind)) && !(fault === 'swapped' && single.includes(kind)))
        .map(fault => `${kind} ${fault}`),
    )
    expect([...planned].sort()).toEqual(wanted.sort())
  })

  it('knows every blob that the server wrote', () => {
    for (const { name, blobs, files } of plans) {
      const mapped = new Set(blobs.map(({ key }) => key))
      // Generations that newer ones have superseded, and what OpenSearch and 5.x keep beside.
      const spare = /(?:^|\/)index-\d+$|^incompatible-snapshots$|^snapshot_shard_paths\//
      expect([name, [...files.keys()].filter(key => !mapped.has(key) && !spare.test(key))]).toEqual([name, []])
    }
  })

  it.each(repositoryFixtures())('accuses in $name whom the server says that it put there', async fixture => {
    const suite = plans.find(({ name }) => name === fixture.name)
    for (const { uuid, indices } of Object.values(fixture.expected.snapshots)) {
      for (const [index, shards] of Object.entries(indices)) {
        shards.forEach((shard, number) => {
          const own = (kind: string) =>
            suite?.blobs.filter(
              blob =>
                blob.kind === kind && blob.index === index && blob.shard === number && blob.neededBy.includes(uuid),
            ).length
          expect([index, number, own('shard-snapshot')]).toEqual([index, number, shard === null ? 0 : 1])
        })
      }
    }
  })
})

afterAll(() => {
  const cases = Object.values(outcomes).reduce((sum, count) => sum + count, 0)
  console.log(`damage: ${cases} cases, ${failed} failed, seed ${seed}`)
  if (resultFile !== undefined)
    writeFileSync(resultFile, JSON.stringify({ seed, cases, failed, levels, outcomes, counts }))
})

/** Not a damage of the repository: nobody is accused. */
describe('trouble of our own', () => {
  const fixture = repositoryFixtures().at(0)
  let suite: DamageSuite
  let reader: BlobReader
  let key: string
  beforeAll(async () => {
    if (fixture === undefined) throw new Error('there is no fixture')
    suite = await openSuite(fixture, seed)
    reader = memoryReader(suite.files)
    key = suite.blobs.find(({ kind, bytes }) => kind === 'data-blob' && bytes > 100)?.key ?? ''
    expect(key).not.toBe('')
  })
  const told = (answer: Answer) => answer.report?.findings.filter(finding => finding.severity !== 'information')
  const reasonsOf = (answer: Answer) =>
    new Set(answer.report?.verdicts.filter(row => row.level === 'bytes').map(row => row.reason))

  it('the whole repository accuses nobody', async () => {
    const answer = await ask(reader, 'bytes')
    expect(told(answer)).toEqual([])
    expect(answer.report?.verdicts.filter(row => row.verdict === 'fail')).toEqual([])
  })

  it('a store that is away for one blob leaves it open', async () => {
    const away: BlobReader = {
      ...reader,
      get: (asked, options) =>
        asked === key ? Promise.reject(new SnapproofError('unavailable', 'no answer')) : reader.get(asked, options),
    }
    const answer = await ask(away, 'bytes')
    expect(told(answer)).toEqual([])
    expect([reasonsOf(answer).has('store-unavailable'), answer.exitCode]).toEqual([true, 4])
  })

  it('two reads that differ leave it open', async () => {
    let reads = 0
    const shaky: BlobReader = {
      ...reader,
      get: (asked, options) => {
        if (asked !== key) return reader.get(asked, options)
        const change = { type: 'flip', at: 20 + ++reads, mask: 1 } as const
        return damagedReader(reader, { key, change }).get(asked, options)
      },
    }
    const answer = await ask(shaky, 'bytes')
    expect(reads).toBe(2)
    expect(told(answer)).toEqual([])
    expect(reasonsOf(answer).has('unstable-read')).toBe(true)
  })

  it.each(['catalogue', 'presence'] as const)('level %s reads no data blob', async level => {
    const guarded: BlobReader = {
      ...reader,
      get: (asked, options) =>
        /\/__/.test(asked) ? Promise.reject(new Error(`${asked} was read`)) : reader.get(asked, options),
    }
    const answer = await ask(guarded, level)
    expect(answer.error).toBeNull()
    expect(new Set(answer.report?.verdicts.map(row => row.level))).toEqual(
      new Set(level === 'presence' ? ['catalogue', 'presence'] : ['catalogue']),
    )
  })
})

/** CRC-good shard generations that disagree: the four checks of Elasticsearch's own verifier. */
describe('a shard generation that the snapshots contradict', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the decoded tree is changed at known places
  type Tree = any
  const change: readonly (readonly [string, (root: Tree, name: string) => void])[] = [
    ['lacks a snapshot', (root, name) => delete root.snapshots[name]],
    ['lacks a blob of a snapshot', (root, name) => root.snapshots[name].files.pop()],
    [
      'gives a snapshot a blob that it has not',
      (root, name) => {
        root.files.push({ ...root.files[0], name: '__0000000000000000000000', physical_name: '_zz.cfs' })
        root.snapshots[name].files.push('__0000000000000000000000')
      },
    ],
    ['has another entry for a file', root => Object.assign(root.files[0], { length: 1 })],
  ]

  it.each(change)('%s', async (_, edit) => {
    const [fixture] = repositoryFixtures().slice(-1)
    if (fixture === undefined) throw new Error('there is no fixture')
    const suite = await openSuite(fixture, seed)
    const blob = suite.damages.find(({ kind, fault }) => kind === 'shard-generation' && fault === 'older')
    const generation = suite.blobs.find(({ key }) => key === blob?.key)
    const bytes = rewrite(suite.files.get(generation?.key ?? '') ?? Buffer.alloc(0), root => {
      edit(root, Object.keys((root as Tree).snapshots)[0] ?? '')
    })
    const damaged = damagedReader(memoryReader(suite.files), {
      key: generation?.key ?? '',
      change: { type: 'replace', bytes },
    })
    const { report } = await ask(damaged, 'presence')
    const told = report?.findings.filter(finding => finding.severity !== 'information')
    expect(told?.map(({ code, severity, key }) => [code, severity, key])).toEqual([
      ['shard-generation-inconsistent', 'warning', generation?.key],
    ])
    expect(report?.verdicts.filter(row => row.verdict === 'fail')).toEqual([])
  })
})
