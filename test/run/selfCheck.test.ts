/** The self-check itself: everything is planted, nothing healthy is called bad, and what breaks in it is no pass. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSnapproofError } from '../../src/errors.ts'
import { type FindingCode, findingCodes } from '../../src/model/finding.ts'
import type { SelfCheck } from '../../src/model/run.ts'
import { readBuiltIn } from '../../src/repository/damage/built-in.ts'
import { baselineRules } from '../../src/rules/baseline/judge.ts'
import { builtInRules } from '../../src/rules/judge.ts'
import { ruleKinds } from '../../src/rules/owner/registry.ts'
import { openGround } from '../../src/run/selfCheck/ground.ts'
import type { Planted } from '../../src/run/selfCheck/planted.ts'
import { describeBlindness, everythingPlanted, isBlind, mustSee, selfCheck } from '../../src/run/selfCheck/selfCheck.ts'
import { systemClock } from '../../src/time.ts'

const signal = new AbortController().signal
const builtIn = join(import.meta.dirname, '../../src/repository/damage/built-in.json')
let planted: readonly Planted[]
let result: SelfCheck

beforeAll(async () => {
  planted = await everythingPlanted(await openGround(systemClock, signal))
  result = await selfCheck(systemClock, signal)
}, 120_000)

/** Codes that no self-check can plant, and why. A code is here or planted; a new one fails until somebody decides. */
const notPlanted: Partial<Record<FindingCode, string>> = {}

describe('what is planted', () => {
  const codes = Object.keys(findingCodes) as FindingCode[]

  it.each(codes)('%s is planted, or it is written why it cannot be', code => {
    const isPlanted = planted.some(one => one.code === code)
    expect([code, isPlanted || (notPlanted[code] ?? '') !== '']).toEqual([code, true])
    // A reason that is not true any more would excuse the next gap.
    expect([code, isPlanted && notPlanted[code] !== undefined]).toEqual([code, false])
  })

  it('every rule is bent', () => {
    const bent = new Set(planted.map(({ rule }) => rule))
    expect(builtInRules.map(({ meta }) => meta.id).filter(id => !bent.has(id))).toEqual([])
  })

  it('every kind of rule of the owner is bent', () => {
    const bent = new Set(planted.map(({ rule }) => rule))
    expect(Object.keys(ruleKinds).filter(kind => !bent.has(kind))).toEqual([])
  })

  it('every departure from a baseline is planted', () => {
    const told = planted.map(({ code }) => code)
    const kinds = baselineRules
      .flat()
      .map(({ kind }) => (kind === 'mapping' ? 'index-mapping-changed' : `index-${kind}`))
    expect(kinds.filter(code => !told.includes(code as FindingCode))).toEqual([])
  })

  it('each has a name of its own', () => {
    const names = planted.map(({ what }) => what)
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
  })

  it('healthy things are among them', () => {
    expect(planted.filter(({ what }) => /^the whole repository|^untouched evidence/.test(what)).length).toBeGreaterThan(
      5,
    )
  })
})

it('finds everything, and calls nothing bad that is good', () => {
  expect(result.missed).toEqual([])
  expect(result.found).toBe(result.planted)
  expect(result.planted).toBe(planted.length)
  expect(() => mustSee(result)).not.toThrow()
})

describe('the built-in repository', () => {
  const folder = mkdtempSync(join(tmpdir(), 'snapproof-built-in-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is small', () => {
    expect(readFileSync(builtIn).length).toBeLessThan(100_000)
  })

  it.each<[string, (bytes: Buffer) => Buffer | null]>([
    ['cut off', bytes => bytes.subarray(0, 40_000)],
    ['changed by one bit', bytes => Buffer.concat([bytes.subarray(0, -2), Buffer.from(' '), bytes.subarray(-1)])],
    ['empty', () => Buffer.alloc(0)],
    ['missing', () => null],
  ])('that is %s blinds the auditor', async (what, change) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.json`)
    const bytes = change(readFileSync(builtIn))
    if (bytes !== null) writeFileSync(file, bytes)
    const error = await readBuiltIn(file).catch((thrown: unknown) => thrown)
    expect(isSnapproofError(error, 'auditor-blind')).toBe(true)
  })
})

describe('a self-check that breaks', () => {
  it('is blind, and says why', async () => {
    const clock = {
      ...systemClock,
      nowMs: () => {
        throw new Error('the clock is broken')
      },
    }
    const broken = await selfCheck(clock, signal)
    expect(isBlind(broken)).toBe(true)
    expect(describeBlindness(broken)).toContain('the clock is broken')
    expect(() => mustSee(broken)).toThrow(/blind/)
  })

  it('and one that is stopped is no verdict at all', async () => {
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await expect(selfCheck(systemClock, stop.signal)).rejects.toThrow('stopped')
  })
})
