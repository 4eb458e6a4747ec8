/** What is wrong with a configuration: collected, then thrown all at once. */
import { SnapproofError } from '../errors.ts'
import { hideSecrets } from './secrets.ts'

/** One thing that is wrong. */
export interface Problem {
  /** `file:line:column`, `environment SNAPPROOF_X`, `flag x.y`, or the file alone. */
  readonly where: string
  /** For sorting: place in the file; environment and flags come last. */
  readonly offset: number
  /** Dotted, such as `engines[0].home`; empty for the whole. */
  readonly path: string
  readonly message: string
}

/** One error `configuration` whose message lists every problem on a line of its own. */
export function configurationError(problems: readonly Problem[], advice = ''): SnapproofError {
  const lines = [...problems]
    .sort((a, b) => a.offset - b.offset)
    .map(({ where, path, message }) => `${where}: ${path === '' ? '' : `${path}: `}${message}`)
  const unique = lines.filter((line, i) => lines.indexOf(line) === i)
  const head = unique.length === 1 ? '' : `The configuration has ${unique.length} errors:\n  `
  return new SnapproofError('configuration', `${head}${unique.join('\n  ')}`, { advice })
}

/** `got X; allowed: Y` with the value cut short and without secrets. */
export function gotAllowed(value: unknown, allowed: string): string {
  return `got ${describeValue(value)}; allowed: ${allowed}`
}

export function dottedPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : text === '' ? String(part) : `.${String(part)}`
  return text
}

/** The candidate that was probably meant; null when none is near. Case, `_` and `-` do not count. */
export function didYouMean(got: string, candidates: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '')
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(plain(got).slice(0, 100), plain(candidate))
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best !== null && bestDistance <= Math.max(1, Math.floor(best.length / 3)) ? best : null
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = hideSecrets(JSON.stringify(value) ?? String(value))
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
