/** CSV as RFC 4180 has it, record by record, with a bound on each. The bytes come from outside. */
import { SnapproofError } from '../errors.ts'

export interface CsvRecord {
  readonly fields: readonly string[]
  /** Of its first character, from 1. */
  readonly line: number
}

export interface CsvLimits {
  /** Longest record, in characters. */
  readonly maxRecord: number
  readonly maxFields: number
}

/**
 * Empty lines are no records. Errors name `where` and the line.
 *
 * @throws SnapproofError `configuration` where the text is no CSV, no UTF-8, or a record is beyond the limits
 */
export async function* csvRecords(
  chunks: AsyncIterable<Buffer>,
  where: string,
  { maxRecord, maxFields }: CsvLimits,
): AsyncGenerator<CsvRecord> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let state: 'start' | 'plain' | 'quoted' | 'after-quote' = 'start'
  let field = ''
  let fields: string[] = []
  let held = 0
  let line = 1
  let firstLine = 1
  const refuse = (what: string) =>
    new SnapproofError('configuration', `${where}:${line}: ${what}`, {
      advice: 'Take the files as the store wrote them.',
    })
  const decode = (bytes: Buffer | undefined) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
    } catch {
      throw refuse('the text is not valid UTF-8')
    }
  }
  const endField = () => {
    if (fields.length === maxFields) throw refuse(`there are more than ${maxFields} fields`)
    fields.push(field)
    field = ''
    state = 'start'
  }
  /** Takes text into the field; what is held of a record is bounded. */
  const take = (text: string) => {
    held += text.length
    if (held > maxRecord) throw refuse(`the record is longer than ${maxRecord} characters`)
    field += text
  }
  const special = /["\r\n,]/g

  function* feed(text: string): Generator<CsvRecord> {
    let at = 0
    while (at < text.length) {
      if (state === 'quoted') {
        const quote = text.indexOf('"', at)
        const end = quote < 0 ? text.length : quote
        const part = text.slice(at, end)
        for (let next = part.indexOf('\n'); next >= 0; next = part.indexOf('\n', next + 1)) line++
        take(part)
        at = end + 1
        if (quote >= 0) state = 'after-quote'
        continue
      }
      special.lastIndex = at
      const found = special.exec(text)
      const end = found === null ? text.length : found.index
      if (end > at) {
        if (state === 'after-quote') throw refuse('something stands between a closing quote and the next comma')
        state = 'plain'
        take(text.slice(at, end))
      }
      at = end + 1
      if (found === null) continue
      switch (found[0]) {
        case '"':
          if (state === 'plain') throw refuse('a quote stands inside a field that does not begin with one')
          if (state === 'after-quote') take('"')
          state = 'quoted'
          break
        case ',':
          held++
          endField()
          break
        case '\n':
          if (state !== 'start' || fields.length > 0) {
            endField()
            yield { fields, line: firstLine }
          }
          fields = []
          held = 0
          line++
          firstLine = line
          break
        default:
          // \r: with the \n behind it the end of a record; elsewhere outside of quotes it has no business.
          if (text[at] !== '\n') throw refuse('a carriage return stands outside of quotes')
      }
    }
  }

  /** A \r at the end of a chunk waits for what follows. */
  let waiting = ''
  for await (const chunk of chunks) {
    const text = waiting + decode(chunk)
    waiting = text.endsWith('\r') ? '\r' : ''
    yield* feed(waiting === '' ? text : text.slice(0, -1))
  }
  yield* feed(waiting + decode(undefined))
  // The narrowing does not see what `feed` did.
  if ((state as string) === 'quoted') throw refuse('a quoted field does not end')
  if ((state as string) !== 'start' || fields.length > 0) {
    endField()
    yield { fields, line: firstLine }
  }
}
