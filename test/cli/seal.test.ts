/** `snapproof seal` as it is typed: exit codes, what is printed, and keys that are never overwritten. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { silentLog } from '../../src/log.ts'
import { sealName, sha256 } from '../../src/seal/record.ts'
import { bytesOf, chainOf, ours, pemOf, runsOf } from '../seal/support.ts'
import { fakeClock } from '../support/fakes.ts'
import type { MemoryStore } from '../support/memoryStore.ts'

let folder: string
let chain: string
let runs: string
let pem: string
const nights = 4

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-seal-'))
  chain = join(folder, 'chain')
  runs = join(folder, 'runs')
  pem = join(folder, 'public.pem')
  await save(await chainOf(nights), chain)
  await save(await runsOf(nights), runs)
  await writeFile(pem, pemOf(ours.publicKey))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function save(store: MemoryStore, to: string): Promise<void> {
  for (const [name, { bytes }] of store.objects) {
    await mkdir(join(to, name, '..'), { recursive: true })
    await writeFile(join(to, name), bytes)
  }
}

async function seal(...args: string[]) {
  const [said, printed]: [string[], string[]] = [[], []]
  const context: CliContext = {
    environment: {},
    clock: fakeClock(),
    log: { ...silentLog, clear: () => {} } as CliContext['log'],
    signal: new AbortController().signal,
    print: text => printed.push(text),
  }
  const code = await createProgram(context, text => said.push(text), '1.2.3').run(['seal', ...args])
  return { code, said: said.join(''), printed: printed.join('\n') }
}

const headOf = async (number: number) => `${number}:${sha256(bytesOf(await chainOf(nights), number))}`

describe('seal verify', () => {
  it('finds nothing, by folder and by URL, and says what it did not compare', async () => {
    for (const place of [chain, pathToFileURL(chain).href]) {
      const { code, printed, said } = await seal('verify', place, '--public-key', pem)
      expect([code, said]).toEqual([0, ''])
      expect(printed).toMatch(
        /4 seals.*\nLast: seal 4, sha256 [0-9a-f]{64}\nok .*\n\? .*end was cut is not known.*\n.*not compared/,
      )
    }
    const all = await seal('verify', chain, '--public-key', pem, '--runs', runs, '--head', await headOf(4))
    expect([all.code, all.printed]).toEqual([0, expect.not.stringContaining('not')])
  })

  it('names what was altered, and what is missing, in words and as JSON', async () => {
    const bent = join(folder, 'bent')
    await save(await chainOf(nights), bent)
    await writeFile(join(bent, sealName(2)), 'hello\u001b[31m\n')
    await rm(join(bent, sealName(4)))
    const { code, printed } = await seal('verify', bent, '--public-key', pem, '--head', await headOf(4))
    expect(code).toBe(1)
    expect(printed).toMatch(/BAD {2}altered: seal 2: .*\nBAD {2}cut: the chain ends with seal 3; --head knows seal 4/)
    const json = await seal('verify', bent, '--public-key', pem, '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.printed)).toMatchObject({
      schemaVersion: 1,
      seals: 3,
      headCompared: false,
      problems: [{ kind: 'altered', number: 2 }],
    })
  })

  it('runs that are gone are missing, unless somebody says how long they are kept', async () => {
    const left = join(folder, 'left')
    await save(await runsOf(nights), left)
    await rm(join(left, 'run-2'), { recursive: true })
    const args = ['verify', chain, '--public-key', pem, '--runs', left]
    const missing = await seal(...args)
    expect([missing.code, missing.printed]).toEqual([1, expect.stringMatching(/BAD {2}missing: run-2\/run\.json/)])
    // The runs of the fixture began in January 2026.
    expect((await seal(...args, '--runs-kept', '36500d')).code).toBe(1)
    const gone = await seal(...args, '--runs-kept', '1d')
    expect(gone).toMatchObject({
      code: 0,
      printed: expect.stringContaining('but those of 1 that are gone as they may be by their age.'),
    })
    expect(JSON.parse((await seal(...args, '--runs-kept', '1d', '--json')).printed)).toMatchObject({ runsPurged: 1 })
    for (const kept of ['soon', '0d', '-1d']) {
      const { code, said } = await seal(...args, `--runs-kept=${kept}`)
      expect([code, said]).toEqual([64, expect.stringContaining('--runs-kept is')])
    }
  })

  it('takes how long they are kept from the configuration, for its own folder alone', async () => {
    const [own, other] = [join(folder, 'own'), join(folder, 'other')]
    for (const place of [own, other]) {
      await save(await runsOf(nights), place)
      await rm(join(place, 'run-2'), { recursive: true })
    }
    const configure = async (keepEvidence: string) => {
      const text = `repository: { name: prod, url: s3://snapshots/prod }
ledger: { sync: none, file: ${join(folder, 'none.sqlite')} }
output: { folder: ${own}, keepEvidence: ${keepEvidence} }
engines: [{ name: es, kind: maven, version: 9.5.3 }]
`
      return await saved('seals.yaml', text)
    }
    const verify = async (runs: string, keepEvidence: string) => {
      const args = ['--public-key', pem, '--config', await configure(keepEvidence)]
      return (await seal('verify', chain, ...args, '--runs', runs)).code
    }
    expect([await verify(own, '1'), await verify(own, 'null'), await verify(other, '1')]).toEqual([0, 1, 1])
  })

  it('is never good without a seal', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    expect((await seal('verify', empty, '--public-key', pem)).code).toBe(1)
  })

  it.each([
    ['no key', () => [chain], /public-key/],
    [
      'a private key',
      async () => [chain, '--public-key', await saved('private.pem', pemOf(ours.privateKey))],
      /private key/,
    ],
    ['a key that is not there', () => [chain, '--public-key', join(folder, 'none')], /cannot be read/],
    ['a head that is none', () => [chain, '--public-key', pem, '--head', '17'], /NUMBER:HASH/],
    ['no chain', () => ['--public-key', pem], /neither a chain nor a configuration/],
  ] as [string, () => string[] | Promise<string[]>, RegExp][])('64: %s', async (_, args, words) => {
    const { code, said } = await seal('verify', ...(await args()))
    expect([code, said]).toEqual([64, expect.stringMatching(words)])
  })

  it('2: a folder that is not there', async () => {
    expect((await seal('verify', join(folder, 'nowhere'), '--public-key', pem)).code).toBe(2)
  })
})

async function saved(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text, { mode: 0o600 })
  return join(folder, name)
}

describe('seal keygen', () => {
  it('makes a pair of which nobody else may read the private one, and overwrites none', async () => {
    const file = join(folder, 'new.pem')
    const { code, printed } = await seal('keygen', file)
    expect([code, printed]).toEqual([0, expect.stringMatching(/Fingerprint: [0-9a-f]{64}/)])
    expect(printed).not.toContain('BEGIN')
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect(await readFile(`${file}.pub`, 'utf8')).toContain('BEGIN PUBLIC KEY')
    const before = await readFile(file)
    expect((await seal('keygen', file)).code).toBe(64)
    expect(await readFile(file)).toEqual(before)
    await rm(file)
    // The public one is still there: neither is written.
    expect((await seal('keygen', file)).code).toBe(64)
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })
})

describe('seal public-key', () => {
  const configured = async (sealSection: string) => {
    const file = join(folder, 'snapproof.yaml')
    const engines = '[{ name: es, kind: maven, version: 9.5.3 }]'
    const text = `repository: { name: p, url: s3://snapshots/prod }\nledger: { sync: none }\nengines: ${engines}\n${sealSection}\n`
    await writeFile(file, text)
    return ['--config', file]
  }
  const keyed = async () => {
    await writeFile(join(folder, 'own.pem'), pemOf(ours.privateKey), { mode: 0o600 })
    return configured(`seal: { url: '${pathToFileURL(chain).href}', keyFile: own.pem }`)
  }

  it('gives the public half of the key that signs, never the private one', async () => {
    const { code, printed } = await seal('public-key', ...(await keyed()))
    expect([code, printed]).toEqual([0, pemOf(ours.publicKey).trim()])
  })

  it('writes it to a file that is not there yet', async () => {
    const file = join(folder, 'fetched.pem')
    const args = ['public-key', file, ...(await keyed())]
    expect((await seal(...args)).code).toBe(0)
    expect(await readFile(file, 'utf8')).toBe(pemOf(ours.publicKey))
    expect((await seal('verify', chain, '--public-key', file)).code).toBe(0)
    expect(await seal(...args)).toMatchObject({ code: 64, said: expect.stringContaining('never overwritten') })
  })

  it.each([
    ['an alias without region', () => ['--kms-key', 'alias/seals'], /expected the ARN of a KMS key/],
    ['a configuration without seals', () => configured(''), /which key/],
    ['neither', () => [], /neither a configuration/],
  ])('64: %s', async (_, args, words) => {
    const { code, said } = await seal('public-key', ...(await args()))
    expect([code, said]).toEqual([64, expect.stringMatching(words)])
  })
})
