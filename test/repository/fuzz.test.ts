/**
 * Inputs that once crashed a decoder stay here for ever, and a short run shows that the fuzzer works: that it makes the
 * same input again, reaches deep, and sees a crash and a hang where there is one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeInput } from '../../infra/local/fuzz/mutate.ts'
import { fuzzTargets } from '../../infra/local/fuzz/targets.ts'
import { DecodeError } from '../../src/repository/decode-error.ts'

const kept = join(import.meta.dirname, '../fixtures/fuzz')
const names = Object.keys(fuzzTargets)

async function answerTo(name: string, input: Buffer): Promise<'decoded' | 'refused'> {
  const target = fuzzTargets[name]?.()
  if (target === undefined) throw new RangeError(`there is no target ${name}`)
  return await decode(() => target.decode(input))
}

async function decode(call: () => unknown): Promise<'decoded' | 'refused'> {
  try {
    await call()
    return 'decoded'
  } catch (error) {
    if (error instanceof DecodeError) return 'refused'
    throw error
  }
}

describe.each(names)('%s', name => {
  const folder = join(kept, name)
  test.each(existsSync(folder) ? readdirSync(folder) : [])('kept input %s', async file => {
    expect(['decoded', 'refused']).toContain(await answerTo(name, readFileSync(join(folder, file))))
  })

  test('decodes its samples, refuses some of what it makes of them, and makes them again', async () => {
    const target = fuzzTargets[name]?.()
    expect(target?.samples.length).toBeGreaterThan(0)
    if (target === undefined) return
    const whole = await Promise.all(target.samples.slice(0, 5).map(sample => decode(() => target.decode(sample))))
    if (name !== 'lucene-input') expect(new Set(whole)).toEqual(new Set(['decoded']))
    const answers = new Set<string>()
    for (let number = 0; number < 60; number++) {
      const input = makeInput(target, 7, number)
      expect(makeInput(target, 7, number).equals(input)).toBe(true)
      answers.add(await decode(() => target.decode(input)))
    }
    expect(answers).toContain('refused')
  })
})
