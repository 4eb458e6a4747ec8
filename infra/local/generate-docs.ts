/**
 * Writes what is generated from the code: tables between `<!-- generated:NAME -->` and `<!-- /generated -->` in the
 * Markdown files, and the JSON Schema of the configuration. test/docs.test.ts fails while a file is not current.
 *
 *     npx tsx infra/local/generate-docs.ts
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { leaves } from '../../src/config/leaves.ts'
import { configJsonSchema } from '../../src/config/schema.ts'
import { errorCodes, exitCodes } from '../../src/errors.ts'
import { metrics } from '../../src/metrics/names.ts'
import { findingCodes } from '../../src/model/finding.ts'
import { reasons } from '../../src/model/verdict.ts'
import { runJsonSchema } from '../../src/report/run-json.ts'
import { costExamples } from './cost-examples.ts'
import { largeTable } from './large-repository.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Table by the name in its marker. */
type Tables = ReadonlyMap<string, string>

/** Every table that the code can give. */
export function generatedTables(): Tables {
  return new Map([
    ['findings', findingTable()],
    ['reasons', reasonTable()],
    ['exit-codes', exitCodeTable()],
    ['environment', environmentTable()],
    ['metrics', metricTable()],
  ])
}

/** Those that another page than README.md shows. */
function otherTables(): Tables {
  return new Map([
    ['costs', costExamples()],
    ['large-repository', largeTable()],
  ])
}

/** The text with every marked part replaced. Throws for a marker that no table has, and for one without an end. */
export function withTables(text: string, tables: Tables): string {
  const open = /<!-- generated:([\w-]+) -->/g
  const block = /<!-- generated:([\w-]+) -->((?:(?!<!-- generated:)[\s\S])*?)<!-- \/generated -->/g
  const [opened, closed] = [[...text.matchAll(open)].length, [...text.matchAll(block)].length]
  if (opened !== closed) throw new Error(`${opened} markers <!-- generated:… --> and ${closed} of them with an end`)
  return text.replace(block, (_, name: string) => {
    const table = tables.get(name)
    if (table === undefined) throw new Error(`no table "${name}"; there are: ${[...tables.keys()].join(', ')}`)
    return `<!-- generated:${name} -->\n\n${table}\n\n<!-- /generated -->`
  })
}

export function markersIn(text: string): string[] {
  return [...text.matchAll(/<!-- generated:([\w-]+) -->/g)].map(([, name = '']) => name)
}

/** Path from the root → what it should hold: every Markdown file with markers, and the JSON Schema. */
export function generatedFiles(): Map<string, string> {
  const tables = new Map([...generatedTables(), ...otherTables()])
  const files = new Map([
    ['config/snapproof.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    ['config/run.schema.json', `${JSON.stringify(runJsonSchema(), null, 2)}\n`],
  ])
  for (const file of markdownFiles()) {
    const text = readFileSync(join(root, file), 'utf8')
    if (markersIn(text).length > 0) files.set(file, withTables(text, tables))
  }
  return files
}

function markdownFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed.split('\n').filter(file => file !== '' && existsSync(join(root, file)))
}

function findingTable(): string {
  return table(
    ['Code', 'Severity', 'What it means', 'What to do'],
    Object.entries(findingCodes).map(([code, { severity, title, advice }]) => [`\`${code}\``, severity, title, advice]),
  )
}

function reasonTable(): string {
  return table(
    ['Reason', 'Verdict', 'Stays debt', 'Severity', 'What it means'],
    Object.entries(reasons).map(([reason, { verdict, debt, severity, text }]) => [
      `\`${reason}\``,
      `\`${verdict}\``,
      debt ? 'yes' : 'no',
      severity,
      text,
    ]),
  )
}

const exitCodeTexts: Readonly<Record<keyof typeof exitCodes, string>> = {
  good: 'The run did its work, nothing is wrong, and no debt is beyond the policy.',
  finding: 'A finding of severity `error` that nobody accepted (`failOn: warning` widens).',
  couldNotWork: 'The run could not do its work.',
  leaseHeld: 'Another run holds the lease.',
  debtBeyondPolicy: 'No finding, but debt beyond the policy.',
  usage: 'The command line or the configuration is wrong.',
}
/** Where several apply, the highest rank wins. */
const exitCodeRanks: readonly (keyof typeof exitCodes)[] = [
  'usage',
  'leaseHeld',
  'couldNotWork',
  'finding',
  'debtBeyondPolicy',
  'good',
]

function exitCodeTable(): string {
  return table(
    ['Exit code', 'Meaning', 'Error codes that lead to it'],
    exitCodeRanks.map(name => {
      const codes = Object.entries(errorCodes).filter(([, exitCode]) => exitCode === exitCodes[name])
      return [String(exitCodes[name]), exitCodeTexts[name], codes.map(([code]) => `\`${code}\``).join(', ') || '–']
    }),
  )
}

function environmentTable(): string {
  return table(
    ['Variable', 'Key in the file', 'Default', 'What it is'],
    leaves.flatMap(leaf =>
      leaf.variable === null
        ? []
        : [[`\`${leaf.variable}\``, `\`${leaf.path}\``, defaultText(leaf.default, leaf.required), leaf.description]],
    ),
  )
}

function defaultText(value: unknown, required: boolean): string {
  if (required) return 'required'
  return value === undefined || value === null ? 'none' : `\`${String(value)}\``
}

function metricTable(): string {
  return table(
    ['Metric', 'Unit', 'What it says'],
    Object.entries(metrics).map(([name, { unit, meaning }]) => [`\`${name}\``, unit, meaning]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of generatedFiles()) {
    const path = join(root, file)
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    writeFileSync(path, text)
    console.log(`wrote ${file}`)
  }
}
