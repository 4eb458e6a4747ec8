/** Names by patterns: `*` stands for any text, everything else for itself. */

export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(one)
  return name => tests.some(test => test(name))
}

/** Linear in the length of the name for each part of the pattern: no pattern makes it slow. */
function one(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*')
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return name => name === pattern
  return name => {
    if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
    const end = name.length - last.length
    let at = first.length
    for (const part of rest) {
      const found = name.indexOf(part, at)
      if (found === -1 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}
