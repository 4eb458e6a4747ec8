/** What a server wrote about one restore that failed: short, without secrets, without what could move a terminal. Pure. */
import { hideSecrets } from '../config/secrets.ts'

const mostLines = 60
const mostFrames = 3
const longestLine = 1_000

/** A line that begins an entry; what follows until the next belongs to it. */
const entry = /^\[\d{4}-\d\d-\d\d/
const frame = /^\s+at |^\s*\.\.\. \d+ (more|common frames)/

/**
 * The entries that name the restored index with the first frames of their stack traces; where none does, the warnings and errors; where
 * there is none either, the last lines. The newest stay.
 */
export function logExcerpt(lines: readonly string[], target: string): string[] {
  const entries = entriesOf(lines)
  const naming = entries.filter(([first]) => first?.includes(target))
  const loud = entries.filter(([first]) => /\]\[(WARN|ERROR|FATAL)/.test(first ?? ''))
  const chosen = naming.length > 0 ? naming : loud.length > 0 ? loud : entries.slice(-10)
  return chosen.flatMap(shortened).slice(-mostLines).map(clean)
}

function entriesOf(lines: readonly string[]): string[][] {
  const entries: string[][] = []
  for (const line of lines) {
    const last = entries.at(-1)
    if (last === undefined || entry.test(line)) entries.push([line])
    else last.push(line)
  }
  return entries
}

/** Causes say most, frames least. */
function shortened(lines: readonly string[]): string[] {
  let frames = 0
  return lines.filter(line => {
    if (!frame.test(line)) {
      frames = 0
      return true
    }
    return ++frames <= mostFrames
  })
}

/** Names and contents in a log are chosen by others: control characters and those that turn the direction become `?`. */
function clean(line: string): string {
  const short = line.length > longestLine ? `${line.slice(0, longestLine)}…` : line
  return hideSecrets(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, character => (character === '\t' ? ' ' : '?'))
}
