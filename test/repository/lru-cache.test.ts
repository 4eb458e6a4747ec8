import { expect, test } from 'vitest'
import { LruCache } from '../../src/repository/lru-cache.ts'

test('the least recently used goes first, and no more than must', () => {
  const cache = new LruCache<string>(10)
  cache.set('a', 'A', 4)
  cache.set('b', 'B', 4)
  expect(cache.get('a')).toBe('A')
  cache.set('c', 'C', 4)
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C'])
  cache.set('c', 'C2', 6)
  expect([cache.get('a'), cache.get('c')]).toEqual(['A', 'C2'])
})

test('what is larger than the whole is not kept, and pushes nothing out', () => {
  const cache = new LruCache<string>(10)
  cache.set('a', 'A', 10)
  cache.set('b', 'B', 11)
  expect([cache.get('a'), cache.get('b')]).toEqual(['A', undefined])
})
