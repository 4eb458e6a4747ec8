import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimWorkFolder, isProcessAlive } from '../../src/cli/workFolder.ts'
import { silentLog } from '../../src/log.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapproof-work-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const run = (number: number) => `20260301T000000Z-0000000${number}`
const claim = (number: number, pid: number, alive: readonly number[] = []) =>
  claimWorkFolder(folder, run(number), { host: 'here', pid }, asked => alive.includes(asked), Date.now(), silentLog)

async function left(number: number, owner: string | null): Promise<string> {
  const path = join(folder, run(number))
  await mkdir(join(path, 'mirror'), { recursive: true })
  if (owner !== null) await writeFile(join(path, 'owner.json'), owner)
  return path
}

describe('the work folder of a run', () => {
  it('is made, and what a dead run of this machine left is removed', async () => {
    const dead = await claim(1, 100)
    expect(await claim(2, 200)).toBe(join(folder, run(2)))
    expect(existsSync(dead)).toBe(false)
    expect(existsSync(join(folder, run(2)))).toBe(true)
  })

  it('leaves runs that live, those of other machines, what is not known, and what is not ours', async () => {
    const living = await claim(1, 100)
    const kept = [
      living,
      await left(3, JSON.stringify({ host: 'elsewhere', pid: 300 })),
      await left(4, null),
      await left(5, '{"host":"here","pi'),
      await left(6, 'null'),
      await left(7, JSON.stringify({ host: 'here', pid: '300' })),
    ]
    const foreign = join(folder, 'photos')
    await mkdir(foreign)
    await writeFile(join(foreign, 'owner.json'), JSON.stringify({ host: 'here', pid: 300 }))
    await claim(2, 200, [100])
    for (const path of [...kept, foreign]) expect([path, existsSync(path)]).toEqual([path, true])
  })
})

describe('a work folder that cannot be made', () => {
  it('is said as trouble of the disk, and nothing is left', async () => {
    await writeFile(join(folder, 'file'), '')
    const made = claimWorkFolder(join(folder, 'file'), run(1), { host: 'here', pid: 1 }, () => true, 0, silentLog)
    await expect(made).rejects.toMatchObject({ code: 'disk-failed', message: expect.stringContaining(run(1)) })
  })
})

it('removes one that nobody has owned for a day: its run was killed before it said whose it is', async () => {
  const ownerless = await left(1, null)
  const twoDaysAgo = Date.now() / 1000 - 172_800
  await utimes(ownerless, twoDaysAgo, twoDaysAgo)
  const young = await left(3, null)
  await claim(2, 200)
  expect([existsSync(ownerless), existsSync(young)]).toEqual([false, true])
})

it('asks the system who lives', () => {
  expect(isProcessAlive(process.pid)).toBe(true)
  expect(isProcessAlive(2 ** 22 + 1)).toBe(false)
})
