/** What dead writers left goes after a day, and nothing that keeps living ones apart. */
import { lutimes, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDirectoryStore } from '../../src/blobs/directory.ts'
import { leftBehindMs, sweepFolder } from '../../src/blobs/directory-sweep.ts'
import { temporaryPrefix } from '../../src/blobs/directory-walk.ts'
import { claimsPath } from '../../src/blobs/directory-write.ts'
import { systemClock } from '../../src/time.ts'
import { temporaryFolder } from './support.ts'

describe('sweeping a folder', () => {
  let folder: string
  const open = () => openDirectoryStore({ folder, clock: systemClock })
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const aged = (ms: number) => new Date(Date.now() - ms)
  async function leave(name: string, ageMs: number, where = folder): Promise<string> {
    const path = join(where, `${temporaryPrefix}${name}`)
    await writeFile(path, 'half')
    await utimes(path, aged(ageMs), aged(ageMs))
    return path
  }
  async function claim(path: string, etag: string, number: number, ageMs: number): Promise<void> {
    const link = `${claimsPath(path, etag)}.${number}`
    await symlink(`${temporaryPrefix}dead`, link)
    await lutimes(link, aged(ageMs), aged(ageMs))
  }
  const temporaries = async (where = folder) => (await readdir(where)).filter(name => name.startsWith(temporaryPrefix))

  it('removes files of more than a day with the first write to their folder, and younger ones never', async () => {
    await mkdir(join(folder, 'other'))
    await leave('old', leftBehindMs + 60_000)
    await leave('young', leftBehindMs - 60_000)
    await leave('elsewhere', leftBehindMs + 60_000, join(folder, 'other'))
    const store = open()
    await store.head('a')
    for await (const _ of store.list('')) throw new Error('nothing is there')
    expect(await temporaries()).toHaveLength(2)
    await store.put('a', Buffer.from('a'))
    expect(await temporaries()).toEqual([`${temporaryPrefix}young`])
    expect(await temporaries(join(folder, 'other'))).toHaveLength(1)
    await store.putIfAbsent('other/b', Buffer.from('b'))
    expect(await temporaries(join(folder, 'other'))).toEqual([])
  })

  it('removes claims on versions that are gone, and none on what is there now', async () => {
    const store = open()
    await store.put('a', Buffer.from('a'))
    const etag = (await store.head('a'))?.etag ?? ''
    await claim(join(folder, 'a'), etag, 0, leftBehindMs * 3)
    await claim(join(folder, 'a'), '"gone"', 0, leftBehindMs + 60_000)
    await claim(join(folder, 'a'), '"gone"', 1, leftBehindMs + 60_000)
    await claim(join(folder, 'a'), '"just gone"', 0, leftBehindMs - 60_000)
    await sweepFolder(folder, Date.now())
    const left = [claimsPath(join(folder, 'a'), etag), claimsPath(join(folder, 'a'), '"just gone"')]
    expect((await temporaries()).sort()).toEqual(left.map(path => `${path.slice(folder.length + 1)}.0`).sort())
    // The dead writer's claim still stands for itself: the next one counts on and cleans up.
    expect(await store.putIfMatch('a', Buffer.from('b'), etag)).toMatchObject({ written: true })
    expect(await temporaries()).toEqual([`${claimsPath(join(folder, 'a'), '"just gone"').slice(folder.length + 1)}.0`])
  })

  it('leaves files of everybody else, and folders, alone', async () => {
    await writeFile(join(folder, 'index-1'), 'x')
    await utimes(join(folder, 'index-1'), aged(leftBehindMs * 9), aged(leftBehindMs * 9))
    const odd = join(folder, `${temporaryPrefix}folder`)
    await mkdir(odd)
    await utimes(odd, aged(leftBehindMs * 9), aged(leftBehindMs * 9))
    await sweepFolder(folder, Date.now())
    expect((await readdir(folder)).sort()).toEqual([`${temporaryPrefix}folder`, 'index-1'])
  })

  it('is no reason to fail', async () => {
    await expect(sweepFolder(join(folder, 'not there'), Date.now())).resolves.toBeUndefined()
  })
})
