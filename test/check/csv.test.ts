import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvRecords } from '../../src/check/csv.ts'

const limits = { maxRecord: 1_000, maxFields: 7 }

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function parse(text: string | Buffer, size = 1_000_000) {
  const found: { fields: readonly string[]; line: number }[] = []
  for await (const record of csvRecords(pieces(Buffer.from(text), size), 'x.csv', limits)) found.push(record)
  return found
}
const quote = (field: string) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)

describe('csvRecords', () => {
  it('reads back whatever was written, however it is cut into chunks', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', '😀', ' '), maxLength: 8 })
    const record = fc.array(field, { minLength: 2, maxLength: 7 })
    const end = fc.constantFrom('\n', '\r\n')
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 6 }),
        end,
        fc.integer({ min: 1, max: 7 }),
        async (rows, eol, size) => {
          const text = rows.map(row => row.map(quote).join(',')).join(eol)
          expect((await parse(text, size)).map(found => found.fields)).toEqual(rows)
        },
      ),
      { seed: 11, numRuns: 400 },
    )
  })

  it('knows the line of each record, and passes over empty ones', async () => {
    expect(await parse('a,b\n\n"c\nc",d\r\ne,f\n')).toEqual([
      { fields: ['a', 'b'], line: 1 },
      { fields: ['c\nc', 'd'], line: 3 },
      { fields: ['e', 'f'], line: 5 },
    ])
  })

  it.each([
    ['a,b\na,"b', 'x.csv:2: a quoted field does not end'],
    ['a,b"c', 'x.csv:1: a quote stands inside a field'],
    ['a,"b"c', 'x.csv:1: something stands between a closing quote'],
    ['a\rb', 'x.csv:1: a carriage return'],
    ['a,b,c,d,e,f,g,h', 'x.csv:1: there are more than 7 fields'],
    [`a\n${'b'.repeat(1_001)}`, 'x.csv:2: the record is longer than 1000 characters'],
    [`"${'b'.repeat(2_000)}`, 'x.csv:1: the record is longer than 1000 characters'],
    [Buffer.from([0x61, 0xff, 0x0a]), 'x.csv:1: the text is not valid UTF-8'],
    [Buffer.from([0x61, 0xe2, 0x82]), 'x.csv:1: the text is not valid UTF-8'],
  ])('refuses %j', async (text, message) => {
    for (const size of [1, 1_000_000]) {
      await expect(parse(text, size)).rejects.toMatchObject({
        code: 'configuration',
        message: expect.stringContaining(message),
      })
    }
  })

  it('either reads or refuses any bytes, and holds no more than the limit', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(bytes, async data => {
        const read = await parse(Buffer.from(data), 3).catch((error: unknown) => error)
        if (!Array.isArray(read)) expect(read).toMatchObject({ code: 'configuration' })
      }),
      { seed: 12, numRuns: 500 },
    )
  })
})
