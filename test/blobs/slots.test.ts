import { describe, expect, it } from 'vitest'
import { slots } from '../../src/blobs/slots.ts'

describe('slots', () => {
  it('runs as many at once as there are slots, and all of them in order', async () => {
    const three = slots(3)
    const started: number[] = []
    let running = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        three.run(async () => {
          started.push(i)
          most = Math.max(most, ++running)
          await Promise.resolve()
          running--
        }),
      ),
    )
    expect(most).toBe(3)
    expect(started).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('frees the slot of one that fails', async () => {
    const one = slots(1)
    await expect(one.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await one.run(async () => 'yes')).toBe('yes')
  })

  it('calls off one that waits, and serves those behind it', async () => {
    const one = slots(1)
    let resolve = () => {}
    const promise = new Promise<void>(done => {
      resolve = done
    })
    const first = one.run(() => promise)
    const stop = new AbortController()
    const second = one.run(async () => 'second', stop.signal)
    const third = one.run(async () => 'third')
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(second).rejects.toBe(reason)
    resolve()
    await first
    expect(await third).toBe('third')
    expect(await one.run(async () => 'fourth')).toBe('fourth')
  })
})
