/** The tokenizer of `index-N` against `JSON.parse`, which is right by definition. */
import { isUtf8 } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import { DecodeError } from '../../../src/repository/decode-error.ts'
import { JsonEvents, type JsonScalar } from '../../../src/repository/json-events.ts'

type Json = JsonScalar | Json[] | { [key: string]: Json }

/** Throws the `DecodeError` of what both refuse; any other error says in what they differ. */
export function compareWithParse(input: Buffer): Json {
  const parsed = isUtf8(input) ? parse(input.toString('utf8')) : null
  let value: Json
  try {
    value = readEvents(input)
  } catch (error) {
    // Depth and length are bounded here alone, and what is no UTF-8 is not JSON.
    const bounded = error instanceof DecodeError && (error.kind === 'too-deep' || error.kind === 'too-large')
    if (parsed === null || bounded || !(error instanceof DecodeError)) throw error
    throw new Error(`JSON.parse takes what is refused here: ${error.message}`, { cause: error })
  }
  if (parsed === null) throw new Error('taken here, and JSON.parse refuses it')
  if (!isDeepStrictEqual(parsed.value, value)) throw new Error('JSON.parse sees another value')
  return value
}

function parse(text: string): { readonly value: Json } | null {
  try {
    return { value: JSON.parse(text) }
  } catch {
    // Not JSON: that is the answer.
    return null
  }
}

/** In two chunks, whose seam moves with the length. */
function readEvents(input: Buffer): Json {
  const open: Json[] = []
  let root: Json = null
  const put = (value: Json, key: string | null): void => {
    const parent = open.at(-1)
    if (parent === undefined) root = value
    else if (Array.isArray(parent)) parent.push(value)
    else if (typeof parent === 'object' && parent !== null)
      Object.defineProperty(parent, key ?? '', { value, enumerable: true, configurable: true, writable: true })
  }
  const events = new JsonEvents({
    open: (kind, key) => {
      const value: Json = kind === 'array' ? [] : {}
      put(value, key)
      open.push(value)
    },
    close: () => open.pop(),
    scalar: put,
  })
  const seam = input.length % 97
  events.write(input.subarray(0, seam))
  events.write(input.subarray(seam))
  events.end()
  return root
}
