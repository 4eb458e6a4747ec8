/** The command that looks at one finding again. Names come from the repository: they are quoted, or not put into a command at all. */
import type { Finding } from '../model/finding.ts'
import type { RunResult } from '../model/run.ts'
import { visible } from './markup.ts'

/** Found by a restore alone. */
const byRestore = /^(?:restore-|restored-|document-|sequence-|mapping-field-missing$|rule-failed$|rule-not-judged$)/
/** Found by comparing snapshots, which an audit does. */
const byAudit = /^(?:index-(?:emptied|shrunk|frozen|jumped|mapping-changed|behind)|rule-matches-nothing)$/
const byBytes = /^(?:corrupt-data-blob|unreadable-blob)$/
const byPresence = /^(?:missing-data-blob|wrong-length|archived-blob|unreferenced-blobs|foreign-writer)$/
/** About the ledger or the configuration: there is nothing to look at again. */
const byNone = /^(?:ledger-rolled-back|accepted-expired)$/

/** Null: it can be repeated by no command, such as what is said of a ledger or of the run itself. */
export function repeatCommand(run: RunResult, finding: Finding, names: ReadonlyMap<string, string>): string | null {
  const { code } = finding
  if (byRestore.test(code)) {
    const uuid = finding.snapshots.at(-1)
    const snapshot = uuid === undefined ? undefined : names.get(uuid)
    const quoted = snapshot === undefined ? null : shellWord(snapshot)
    return quoted === null ? null : `snapproof verify ${quoted} --config FILE`
  }
  if (byNone.test(code)) return null
  if (byAudit.test(code)) return 'snapproof audit --config FILE'
  const level = byBytes.test(code) ? 'bytes' : byPresence.test(code) ? 'presence' : 'catalogue'
  const url = shellWord(run.repository.url)
  return url === null ? null : `snapproof check ${url} --level ${level}`
}

/** One word of a POSIX shell; null for what cannot be seen whole, or would be taken for a flag. */
export function shellWord(text: string): string | null {
  if (text === '' || text.length > 300 || text.startsWith('-') || visible(text) !== text) return null
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
