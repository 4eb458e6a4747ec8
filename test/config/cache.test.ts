import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { cacheFolder } from '../../src/config/cache.ts'

describe('cacheFolder', () => {
  it('follows XDG_CACHE_HOME, and takes an empty one for none', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/somewhere' })).toBe('/somewhere/snapproof')
    expect(cacheFolder({ XDG_CACHE_HOME: '' })).toBe(`${homedir()}/.cache/snapproof`)
    expect(cacheFolder({})).toBe(`${homedir()}/.cache/snapproof`)
  })
})
