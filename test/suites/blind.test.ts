/**
 * The mutation test of the self-check: each detector is switched off in a copy of the source, one at a time, and the auditor must notice. Here
 * a sample of fixed ones; all of them with `npm run test:all -- blind`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findingCodes } from '../../src/model/finding.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { type Mutant, mutants } from './blind/mutants.ts'
import { type Copy, copySource, switchedOff } from './blind/mutate.ts'

const { SNAPPROOF_BLIND_RESULT: resultFile } = process.env
const all = resultFile !== undefined
const source = resolve(import.meta.dirname, '../../src')
const fixture = resolve(import.meta.dirname, '../fixtures/repositories/es-9.5/repository')
const isSample = ({ file }: Mutant, i: number) => all || (i % 40 === 7 && !file.startsWith('run/'))
const tell = ({ file, from }: Mutant) => `${file}: ${from}`

let copy: Copy
beforeAll(() => {
  copy = copySource()
})
afterAll(() => copy.close())

describe('the list of mutants', () => {
  it.each(mutants.map(mutant => [tell(mutant), mutant] as const))('%s stands there once', (_, mutant) => {
    expect(switchedOff(readFileSync(join(source, mutant.file), 'utf8'), mutant)).toContain(mutant.to)
  })

  it('has every file that tells of a finding', () => {
    const codes = Object.keys(findingCodes).join('|')
    const tells = new RegExp(`code: '(${codes})'`)
    const rooms = ['check', 'repository', 'rules', 'mirror', 'run']
    const files = rooms.flatMap(room =>
      readdirSync(join(source, room), { recursive: true, encoding: 'utf8' }).map(name => `${room}/${name}`),
    )
    const telling = files.filter(
      file =>
        file.endsWith('.ts') &&
        !/\/(damage|selfCheck)\//.test(file) &&
        tells.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(telling.length).toBeGreaterThan(10)
    const known = new Set([...mutants.map(({ file }) => file), ...Object.keys(withoutMutant)])
    expect(telling.filter(file => !known.has(file))).toEqual([])
  })
})

/** Files that tell of findings, none of which the built-in repository can show. */
const withoutMutant: Readonly<Record<string, string>> = {
  'repository/index-shards.ts':
    'only of layouts of OpenSearch whose shards are found nowhere: our own trouble, never a finding',
  'check/indexWork.ts':
    'repeats a finding of an earlier night where a limit kept this one from looking; test/run/checkMemory.test.ts',
}

const misses: Record<string, number> = {}
const survivors: string[] = []

describe('a detector that is switched off', () => {
  it('is none in the program as it is', async () => {
    expect((await copy.selfCheckOf(null)).missed).toEqual([])
  })

  it.each(mutants.filter(isSample).map(mutant => [tell(mutant), mutant] as const))(
    '%s blinds the auditor',
    async (name, mutant) => {
      const { missed } = await copy.selfCheckOf(mutant)
      misses[name] = missed.length
      if (missed.length === 0) survivors.push(name)
      expect(missed.length).toBeGreaterThan(0)
    },
    120_000,
  )
})

describe('the program with one detector switched off', () => {
  const mutant: Mutant = { file: 'check/fileProof.ts', from: 'if (sum === expected) return', to: 'if (true) return' }

  it('ends a night with 2, with a report that says why', async () => {
    const config = join(copy.folder, 'snapproof.yaml')
    writeFileSync(
      config,
      `repository: { name: test, url: 'file://${fixture}' }
ledger: { sync: none }
engines: [{ name: elasticsearch, kind: distribution, version: 9.5.3, home: /nowhere }]
work: { folder: ${join(copy.folder, 'work')} }
metrics: { enabled: false }
`,
    )
    const out = join(copy.folder, 'out')
    const { code, stderr } = await copy.run(mutant, ['audit', '--config', config, '--out', out, '--log', 'plain'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('the auditor is blind')])
    const run = parseRun(readFileSync(join(out, 'run.json'), 'utf8'))
    expect(run.selfCheck?.missed.map(({ code: missedCode }) => missedCode)).toContain('corrupt-data-blob')
    expect([run.restores, run.snapshots, run.exit.code]).toEqual([[], [], 2])
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('The auditor is blind')
  }, 240_000)

  it('checks nothing, and says so with 2', async () => {
    const { code, stderr } = await copy.run(mutant, ['check', `file://${fixture}`, '--json'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('the auditor is blind')])
  }, 240_000)

  it('checks as always when it is whole', async () => {
    const { code } = await copy.run(null, ['check', `file://${fixture}`, '--json'])
    expect(code).not.toBe(2)
  }, 240_000)

  it('and one whose built-in repository is cut off is blind, too', async () => {
    const path = join(copy.folder, 'src/repository/damage/built-in.json')
    const whole = readFileSync(path)
    writeFileSync(path, whole.subarray(0, 1000))
    try {
      const { code, stderr } = await copy.run(null, ['check', `file://${fixture}`])
      expect([code, stderr]).toEqual([2, expect.stringContaining('SHA-256')])
    } finally {
      writeFileSync(path, whole)
    }
  }, 240_000)
})

afterAll(() => {
  if (resultFile === undefined) return
  writeFileSync(resultFile, JSON.stringify({ mutants: mutants.length, survivors, misses }))
})
