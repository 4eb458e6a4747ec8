/** Where in a JSON document each key and scalar lies: for damage to one known field. Expects valid JSON. */

/** `path` of a key ends with the key itself; array positions are numbers. Offsets are bytes, quotes left out. */
export interface JsonSpan {
  readonly path: readonly (string | number)[]
  readonly role: 'key' | 'string' | 'other'
  readonly start: number
  readonly end: number
}

export function jsonSpans(bytes: Buffer): JsonSpan[] {
  const spans: JsonSpan[] = []
  let at = 0

  function blank(): void {
    while (at < bytes.length && ' \t\r\n'.includes(String.fromCharCode(bytes[at] ?? 0))) at++
  }

  function text(): { start: number; end: number; text: string } {
    const start = ++at
    while (bytes[at] !== 0x22) {
      if (at >= bytes.length) throw new RangeError(`a string at byte ${start} does not end`)
      at += bytes[at] === 0x5c ? 2 : 1
    }
    const end = at++
    return { start, end, text: JSON.parse(`"${bytes.toString('utf8', start, end)}"`) }
  }

  function value(path: readonly (string | number)[]): void {
    blank()
    const first = bytes[at]
    if (first === 0x22) {
      const { start, end } = text()
      spans.push({ path, role: 'string', start, end })
    } else if (first === 0x7b) members(path)
    else if (first === 0x5b) elements(path)
    else {
      const start = at
      while (at < bytes.length && !',]} \t\r\n'.includes(String.fromCharCode(bytes[at] ?? 0))) at++
      spans.push({ path, role: 'other', start, end: at })
    }
    blank()
  }

  function members(path: readonly (string | number)[]): void {
    at++
    blank()
    while (bytes[at] !== 0x7d) {
      blank()
      const { start, end, text: key } = text()
      spans.push({ path: [...path, key], role: 'key', start, end })
      blank()
      at++ // the colon
      value([...path, key])
      if (bytes[at] === 0x2c) at++
    }
    at++
  }

  function elements(path: readonly (string | number)[]): void {
    at++
    blank()
    for (let i = 0; bytes[at] !== 0x5d; i++) {
      value([...path, i])
      if (bytes[at] === 0x2c) at++
    }
    at++
  }

  value([])
  return spans
}
