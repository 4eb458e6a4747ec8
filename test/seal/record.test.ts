/** One seal has one form: whatever else reads the same is refused, so that no byte of the last seal can be exchanged. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  canonicalJson,
  claimedVersion,
  decodeSeal,
  encodeSeal,
  maxSealBytes,
  numberOfName,
  type SealRecord,
  sealName,
  signedBytes,
} from '../../src/seal/record.ts'
import { bytesOf, chainOf, recordOf, sealOf } from './support.ts'

let good: Buffer
let lines: string[]
beforeAll(async () => {
  good = bytesOf(await chainOf(2), 2)
  lines = String(good).split('\n')
})

const why = (first: string, second: string, end = '\n') => {
  const seal = decodeSeal(Buffer.from(`${first}\n${second}${end}`, 'latin1'))
  return typeof seal === 'string' ? seal : 'good'
}

describe('a seal', () => {
  it('is read as it was written', () => {
    const seal = decodeSeal(good)
    if (typeof seal === 'string') throw new Error(seal)
    expect(encodeSeal(signedBytes(seal.record), seal.signature)).toEqual(good)
    expect(seal.record.repository.url).toBe('s3://snapshots/päth')
    expect(String(seal.signed)).toContain(String.raw`p\u00e4th`)
  })

  it.each([
    ['spaces', (s: string) => s.replace(':', ': ')],
    ['no padding', (s: string) => s.replace(/=+/, '')],
    ['another alphabet', (s: string) => s.replace(/[+/]/g, c => (c === '+' ? '-' : '_')).replace('==', '')],
    [
      'bits behind the end',
      (s: string) =>
        s.replace(/(.)==/, (_, c: string) => `${c === 'A' ? 'B' : String.fromCharCode(c.charCodeAt(0) + 1)}==`),
    ],
    ['another member', (s: string) => s.replace('}', ',"more":1}')],
    ['a member twice', (s: string) => s.replace('{', '{"algorithm":"x",')],
    [
      'members in another order',
      (s: string) => canonicalJson(Object.fromEntries(Object.entries(JSON.parse(s)).reverse())),
    ],
    ['an escape that is not needed', (s: string) => s.replace('ed25519', String.raw`\u0065d25519`)],
    ['nothing', () => ''],
    ['no object', () => '[]'],
  ])('whose second line has %s is none', (_, bend) => {
    const [first = '', second = ''] = lines
    expect(bend(second)).not.toBe(second)
    expect(why(first, bend(second))).toContain('canonical')
  })

  it.each([
    ['no line feed at its end', ''],
    ['two', '\n\n'],
    ['a carriage return', '\r\n'],
    ['a third line', '\n{}\n'],
  ])('with %s is none', (_, end) => {
    expect(why(lines[0] ?? '', lines[1] ?? '', end)).not.toBe('good')
  })

  it.each([
    ['number', 0],
    ['number', 1.5],
    ['number', '2'],
    ['number', 1_000_001],
    ['previous', null],
    ['previous', 'A'.repeat(64)],
    ['sealedAt', '2026-01-02'],
    ['sealedAt', '2026-01-02T02:00:00Z'],
    ['key', ''],
    ['run', null],
    ['outputs', {}],
    ['inputs', []],
    ['seal', 0],
  ])('whose %s is %j is none, whoever signed it', async (member, value) => {
    const record = { ...recordOf(2), number: 2, previous: 'a'.repeat(64), [member]: value } as SealRecord
    expect(typeof decodeSeal(await sealOf(record))).toBe('string')
  })

  it('has no more bytes than is read', () => {
    expect(decodeSeal(Buffer.alloc(maxSealBytes + 1))).toContain('more than any seal')
    expect(claimedVersion(Buffer.from('x'))).toBeNull()
    expect(claimedVersion(Buffer.from('{"seal":7}\n'))).toBe(7)
  })
})

it.each([
  ['seal-0000000001.jsonl', 1],
  ['seal-0001000000.jsonl', 1_000_000],
  ['seal-0000000000.jsonl', null],
  ['seal-0001000001.jsonl', null],
  ['seal-9999999999.jsonl', null],
  ['seal-1.jsonl', null],
  ['seal-0000000001.jsonl ', null],
  ['Seal-0000000001.jsonl', null],
  ['x/seal-0000000001.jsonl', null],
  ['seal-000000000１.jsonl', null],
])('the name %j stands for %j', (name, number) => {
  expect(numberOfName(name)).toBe(number)
  if (number !== null) expect(sealName(number)).toBe(name)
})
