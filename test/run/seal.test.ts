/** The seal of a run: after the ledger, before the heartbeat; it never says more than the run did, and its lack is loud. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { exitCodes, SnapproofError } from '../../src/errors.ts'
import type { AuditConfig } from '../../src/model/config.ts'
import type { RunResult } from '../../src/model/run.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { type LedgerMemoryOptions, ledgerMemory } from '../../src/run/checkMemory.ts'
import type { RunDependencies } from '../../src/run/dependencies.ts'
import { publish } from '../../src/run/publish.ts'
import { openSealer, withSeal } from '../../src/run/seal.ts'
import { headRow, rememberedHead } from '../../src/seal/head.ts'
import { decodeSeal, type SealRecord, sealName, sha256 } from '../../src/seal/record.ts'
import { verifyChain } from '../../src/seal/verify.ts'
import { bytesOf, chainOf, keys, signal, signer } from '../seal/support.ts'
import { fakeClock } from '../support/fakes.ts'
import { type MemoryStore, memoryStore } from '../support/memoryStore.ts'
import { goodRun, style } from '../support/runs.ts'

interface Night {
  readonly result: RunResult
  readonly chain: MemoryStore
  readonly runs: MemoryStore
  /** What happened, in order. */
  readonly said: string[]
  readonly put: RunResult[]
  readonly memory: Map<string, Buffer>
  /** `run.json` as it lies in the folder. */
  readonly file: () => RunResult
}

interface Trouble {
  readonly chain?: MemoryStore
  readonly store?: (chain: MemoryStore) => MemoryStore
  readonly memory?: Map<string, Buffer>
  readonly upload?: () => Error | null
  readonly metrics?: () => Error | null
  readonly journal?: () => Error | null
  readonly noKey?: Error
  readonly unsealed?: true
}

async function night(run: RunResult, trouble: Trouble = {}): Promise<Night> {
  const chain = trouble.chain ?? memoryStore(() => 0)
  const runs = memoryStore(() => 0)
  const said: string[] = []
  const put: RunResult[] = []
  const texts = new Map<string, string>()
  const memory = trouble.memory ?? new Map<string, Buffer>()
  const fail = (error: Error | null | undefined) => {
    if (error != null) throw error
  }
  const store = trouble.store?.(chain) ?? chain
  const dependencies = {
    runId: run.runId,
    clock: fakeClock(),
    config: {
      repository: run.repository,
      notify: { ping: { url: null }, webhook: { url: null } },
    } as unknown as AuditConfig,
    log: {
      info: (message: string) => said.push(message),
      warn: (message: string) => said.push(`! ${message}`),
      progress: () => {},
    },
    style,
    seals:
      trouble.unsealed === true
        ? null
        : {
            store,
            retention: null,
            signer: async () => {
              fail(trouble.noKey)
              return signer
            },
          },
    output: {
      folder: 'runs',
      async write(name: string, text: string) {
        texts.set(name, text)
      },
      written: () => new Map([...texts].map(([name, text]) => [name, createHash('sha256').update(text).digest('hex')])),
      async upload() {
        fail(trouble.upload?.())
        said.push('uploaded')
        for (const [name, text] of texts) await runs.put(`${run.runId}/${name}`, Buffer.from(text))
      },
    },
    putMetrics: async (result: RunResult) => {
      fail(trouble.metrics?.())
      said.push(`metrics ${result.exit.code}`)
      put.push(result)
    },
  } as unknown as RunDependencies
  const ledger = {
    storedSha256: sha256('ledger'),
    memory: (subject: string) => {
      const data = memory.get(subject)
      return data === undefined ? null : { atMs: 0, data }
    },
    async journal(_runId: string, rows: readonly { kind: string }[]) {
      fail(trouble.journal?.())
      for (const row of rows as unknown as { subject: string; data: string }[])
        memory.set(row.subject, Buffer.from(row.data, 'base64'))
    },
  }
  await dependencies.output.write('evidence/a.json', '{}')
  const sealer = await openSealer(dependencies, ledger, sha256('index-7'))
  const told = sealer === null ? run : withSeal(run, sealer.statement)
  const result = await publish(told, dependencies, false, sealer)
  return { result, chain, runs, said, put, memory, file: () => parseRun(texts.get('run.json') ?? '') }
}

function recordAt(chain: MemoryStore, number: number): SealRecord {
  const seal = decodeSeal(bytesOf(chain, number))
  if (typeof seal === 'string') throw new Error(seal)
  return seal.record
}

async function problemsOf({ chain, runs }: Night): Promise<string[]> {
  const { problems } = await verifyChain({ chain, keys, heads: [], runs, signal })
  return problems.map(({ kind, number }) => `${kind} ${number}`)
}

const trouble = () => new SnapproofError('unavailable', 'it is out of order')

describe('a run', () => {
  it('is sealed when the report is stored and before the metrics; the ledger and the log hear of it', async () => {
    const run = goodRun()
    const found = await night(run)
    expect(found.said).toEqual(['uploaded', 'sealed', 'metrics 0'])
    expect(found.result.exit.code).toBe(0)
    expect(found.file().seal).toMatchObject({
      url: found.chain.url,
      key: signer.key,
      before: null,
      unsealed: null,
      lock: 'none',
    })
    const record = recordAt(found.chain, 1)
    expect(record).toMatchObject({
      previous: null,
      key: signer.key,
      run: { id: run.runId, exitCode: 0 },
      inputs: { indexN: sha256('index-7'), generation: run.repository.generation },
      outputs: { ledger: sha256('ledger') },
    })
    expect(record.found.evidence).toBe(sha256(`${sha256('{}')}  "evidence/a.json"\n`))
    expect(record.found.verdicts).toBe(sha256(run.verdicts.map(row => `${JSON.stringify(row)}\n`).join('')))
    expect(
      rememberedHead(
        subject => (found.memory.has(subject) ? { data: found.memory.get(subject) ?? Buffer.alloc(0) } : null),
        found.chain.url,
      ),
    ).toEqual({
      number: 1,
      hash: sha256(bytesOf(found.chain, 1)),
    })
    expect(await problemsOf(found)).toEqual([])
  })

  it('says with which seal the chain ended before', async () => {
    const chain = await chainOf(3)
    const { file } = await night(goodRun(), { chain })
    expect(file().seal?.before).toEqual({ number: 3, hash: sha256(bytesOf(chain, 3)) })
  })

  it('that is not to be sealed says nothing of it', async () => {
    const { file, said, chain } = await night(goodRun(), { unsealed: true })
    expect(file()).not.toHaveProperty('seal')
    expect([said, chain.objects.size]).toEqual([['uploaded', 'metrics 0'], 0])
  })

  it('whose metrics were not taken is sealed again, as it says now', async () => {
    const found = await night(goodRun(), { metrics: trouble })
    expect(found.result.exit.code).toBe(exitCodes.couldNotWork)
    expect([recordAt(found.chain, 1).run.exitCode, recordAt(found.chain, 2).run.exitCode]).toEqual([0, 2])
    expect(await problemsOf(found)).toEqual([])
  })

  it('whose report could not be copied is sealed with that exit code', async () => {
    const { result, chain, put } = await night(goodRun(), { upload: trouble })
    expect([result.exit.code, recordAt(chain, 1).run.exitCode, put]).toEqual([2, 2, []])
  })

  it('whose ledger does not take the head is sealed and says so', async () => {
    const { said, result } = await night(goodRun(), { journal: trouble })
    expect(result.exit.code).toBe(0)
    expect(said.join('\n')).toContain('! the ledger did not take the head')
  })
})

describe('a run without a seal keeps its verdicts and exits with 2, loudly', () => {
  const cases: [string, Trouble][] = [
    ['no key', { noKey: new SnapproofError('configuration', 'there is no key') }],
    [
      'a chain that cannot be read',
      {
        store: chain => ({
          ...chain,
          list: () => {
            throw trouble()
          },
        }),
      },
    ],
    [
      'a chain that cannot be written',
      { store: chain => ({ ...chain, putIfAbsent: () => Promise.reject(trouble()) }) },
    ],
    [
      'a chain whose every number is taken',
      { store: chain => ({ ...chain, putIfAbsent: async () => ({ written: false }) }) },
    ],
  ]
  it.each(cases)('%s', async (_, given) => {
    const run = goodRun()
    const found = await night(run, given)
    expect(found.result.exit).toMatchObject({
      code: exitCodes.couldNotWork,
      reason: expect.stringContaining('unsealed'),
    })
    expect(found.file()).toEqual(found.result)
    expect(found.file().seal?.unsealed).toMatch(/no key|out of order|first/)
    expect([found.file().verdicts, found.file().snapshots]).toEqual([run.verdicts, run.snapshots])
    // What the bucket shows is what the folder shows, and the alarms hear of it.
    expect(String(found.runs.objects.get(`${run.runId}/run.json`)?.bytes)).toBe(
      `${JSON.stringify(found.result, null, 2)}\n`,
    )
    expect(String(found.runs.objects.get(`${run.runId}/report.html`)?.bytes)).toContain('This run is unsealed')
    expect(found.put.map(({ exit }) => exit.code)).toEqual([exitCodes.couldNotWork])
    expect(found.said.join('\n')).toMatch(/! the run is unsealed/)
    expect(found.chain.objects.size).toBe(0)
    expect(String(found.runs.objects.get(`${run.runId}/report.html`)?.bytes)).not.toContain('the chain begins here')
  })

  it('and what else was wrong stays among the codes', async () => {
    const run = goodRun({ exit: { code: 1, applies: [1, 4], reason: 'a finding' } })
    const { result } = await night(run, { noKey: trouble() })
    expect(result.exit).toMatchObject({ code: 2, applies: [2, 1, 4] })
  })
})

it('checks forget what they do not know, and not the head of the seals', () => {
  const subjects = ['index 1', headRow('s3://seals', { number: 1, hash: 'a'.repeat(64) }).subject, 'snapshot 2']
  const ledger = { memorySubjects: () => subjects } as unknown as LedgerMemoryOptions['ledger']
  const memory = ledgerMemory({ ledger, runId: 'r', readOnly: false, renewAfterDays: 1, clock: fakeClock() })
  expect([...memory.subjects()]).toEqual(['index 1', 'snapshot 2'])
})

it('a chain that was cut is told by the next run, sealed, with exit code 2, and the hole stays; the night after is quiet', async () => {
  const chain = await chainOf(0)
  const memory = new Map<string, Buffer>()
  for (const runId of ['a', 'b', 'c']) await night(goodRun({ runId }), { chain, memory })
  await chain.delete(sealName(3))
  const told = await night(goodRun({ runId: 'd' }), { chain, memory })
  expect(told.result.exit).toMatchObject({ code: 2, reason: expect.stringContaining('is not what it was') })
  expect(recordAt(chain, 4).run.exitCode).toBe(2)
  expect((await night(goodRun({ runId: 'e' }), { chain, memory })).result.exit.code).toBe(0)
  const { problems } = await verifyChain({ chain, keys, heads: [], runs: null, signal })
  expect(problems.map(({ kind, number }) => [kind, number])).toEqual([['missing', 3]])
})
