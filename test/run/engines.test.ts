/** One engine at a time, replaced when it died, within a limit. */
import { describe, expect, test } from 'vitest'
import { SnapproofError } from '../../src/errors.ts'
import { silentLog } from '../../src/log.ts'
import { EngineHolder } from '../../src/run/engines.ts'
import { type FakeEngine, fakeEngine } from '../support/fakes.ts'

function hold(freshStarts = 2, start = async (name: string): Promise<FakeEngine> => fakeEngine(name)) {
  const started: FakeEngine[] = []
  const holder = new EngineHolder({
    start: async name => {
      await new Promise(resolve => setImmediate(resolve))
      const engine = await start(name)
      started.push(engine)
      return engine
    },
    mirrorFolder: '/mirror',
    freshStarts,
    log: silentLog,
    signal: new AbortController().signal,
  })
  return { holder, started }
}

describe('get', () => {
  test('starts one for many, with the mirror registered', async () => {
    const { holder, started } = hold()
    holder.warm('nine')
    const engines = await Promise.all([holder.get('nine'), holder.get('nine'), holder.get('nine')])
    expect(new Set(engines).size).toBe(1)
    expect(started).toHaveLength(1)
    expect(started[0]?.calls).toEqual(['register', 'register store'])
  })
  test('another name: the one before is stopped', async () => {
    const { holder, started } = hold()
    await holder.get('nine')
    await holder.get('eight')
    expect(started.map(engine => [engine.facts.name, engine.stopped])).toEqual([
      ['nine', true],
      ['eight', false],
    ])
    expect([...holder.used.keys()]).toEqual(['nine', 'eight'])
  })
  test('many that ask after a death get one new engine', async () => {
    const { holder, started } = hold()
    await holder.get('nine')
    started[0]?.die('out of memory')
    const engines = await Promise.all([holder.get('nine'), holder.get('nine'), holder.get('nine')])
    expect(started).toHaveLength(2)
    expect(started[0]?.stopped).toBe(true)
    expect(new Set(engines)).toEqual(new Set([started[1]]))
  })
  test('no more fresh starts than allowed, whether it died or one was wanted', async () => {
    const { holder, started } = hold(2)
    await holder.get('nine')
    await holder.fresh('nine')
    started[1]?.die('x')
    await holder.get('nine')
    started[2]?.die('x')
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'engine-died' })
    await expect(holder.fresh('nine')).rejects.toMatchObject({ code: 'engine-died' })
    expect(started).toHaveLength(3)
  })
  test('none at all: a death is final', async () => {
    const { holder, started } = hold(0)
    await holder.get('nine')
    started[0]?.die('x')
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'engine-died' })
  })
})

describe('errors', () => {
  test('of a start are not met again for every content', async () => {
    let starts = 0
    const { holder } = hold(1, async () => {
      starts++
      throw new SnapproofError('no-jdk', 'no JDK')
    })
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'no-jdk' })
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'no-jdk' })
    expect(starts).toBe(1)
    await holder.stop()
  })
  test('of a process that is not ours: it is not started afresh', async () => {
    const { holder, started } = hold(1, async name => {
      const engine = fakeEngine(name)
      return { ...engine, facts: { ...engine.facts, kind: 'endpoint' } }
    })
    await holder.get('theirs')
    await expect(holder.fresh('theirs')).rejects.toMatchObject({ code: 'engine-died' })
    expect(started).toHaveLength(1)
  })

  test('of a start come from get, not as an unhandled rejection', async () => {
    const { holder } = hold(1, async () => Promise.reject(new SnapproofError('no-jdk', 'no JDK')))
    holder.warm('nine')
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'no-jdk' })
    await holder.stop()
  })
  test('of registering: the engine is stopped and never counts as used', async () => {
    const engine = fakeEngine('nine', { register: () => Promise.reject(new SnapproofError('engine-request', 'no')) })
    const { holder } = hold(1, async () => engine)
    await expect(holder.get('nine')).rejects.toMatchObject({ code: 'engine-request' })
    expect(engine.stopped).toBe(true)
    expect(holder.used.size).toBe(0)
  })
})

test('stop waits for a start and stops what it started', async () => {
  const { holder, started } = hold()
  holder.warm('nine')
  await holder.stop()
  expect(started.map(engine => engine.stopped)).toEqual([true])
  await holder.stop()
})
