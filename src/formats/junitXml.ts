/**
 * A run as JUnit XML, which CI servers draw. Only what is proven passes: what is not known is skipped, with the reason, and what kept
 * the run from its work is an error.
 */
import { exitCodes } from '../errors.ts'
import type { RunResult, SnapshotSummary } from '../model/run.ts'
import { type Standing, standingsOf } from '../model/standing.ts'
import { plainText } from './plain.ts'

interface TestCase {
  readonly name: string
  readonly seconds: number | null
  readonly outcome: Outcome | null
}

interface Outcome {
  readonly kind: 'failure' | 'error' | 'skipped'
  readonly type: string
  readonly message: string
}

/** Suites `run`, `snapshots`, `restores`, `findings`; elements as Jenkins and Ant know them. */
export function junitXml(run: RunResult): string {
  const { bySnapshot, unaccepted } = standingsOf(run)
  const isFailing = (row: SnapshotSummary) => bySnapshot.get(row) === 'failing'
  const excused = new Set(
    run.snapshots.filter(row => isFailing(row) && !unaccepted.includes(row)).map(({ uuid }) => uuid),
  )
  const suites = [
    suite(run, 'run', runCases(run)),
    suite(
      run,
      'snapshots',
      run.snapshots.map(row => snapshotCase(row, excused.has(row.uuid) ? 'accepted' : (bySnapshot.get(row) ?? 'open'))),
    ),
    suite(
      run,
      'restores',
      run.restores.map(row => restoreCase(row, excused.has(row.snapshotUuid))),
    ),
    suite(run, 'findings', [...run.findings.map(findingCase), ...run.accepted.map(acceptedCase)]),
  ]
  const all = suites.flatMap(({ cases }) => cases)
  const head = attributes({ name: 'snapproof', ...counts(all), time: run.seconds.toFixed(3) })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${suites.map(({ xml }) => xml).join('')}</testsuites>\n`
}

/** One for each kind of exit code, so that no run with another code than 0 looks good. */
function runCases({ exit, debt }: RunResult): TestCase[] {
  const codes: readonly number[] = [exit.code, ...exit.applies]
  const applies = (...asked: readonly number[]) => asked.find(code => codes.includes(code))
  const blind = applies(exitCodes.couldNotWork, exitCodes.leaseHeld, exitCodes.usage)
  const finding = applies(exitCodes.finding)
  const overdue = applies(exitCodes.debtBeyondPolicy)
  const words = `${debt.overdue} of ${debt.contents} contents in debt are beyond the policy`
  const row = (name: string, kind: 'error' | 'failure', code: number | undefined, message: string): TestCase => {
    return { name, seconds: null, outcome: code === undefined ? null : { kind, type: `exit-code-${code}`, message } }
  }
  return [
    row('the run did its work', 'error', blind, exit.reason),
    row('nothing is wrong', 'failure', finding, exit.reason),
    row('no debt is beyond the policy', 'failure', overdue, words),
  ]
}

function snapshotCase({ name, uuid, levels }: SnapshotSummary, standing: Standing | 'accepted'): TestCase {
  const said = Object.entries(levels).filter(([, level]) => level.verdict !== 'pass')
  const message = said.map(([level, { verdict, reason }]) => `${level}: ${verdict} (${reason})`).join('; ')
  const title = `${name} (${uuid})`
  if (standing === 'proven') return { name: title, seconds: null, outcome: null }
  const kind = standing === 'failing' ? 'failure' : 'skipped'
  return { name: title, seconds: null, outcome: { kind, type: standing, message: message || standing } }
}

function restoreCase(row: RunResult['restores'][number], isExcused: boolean): TestCase {
  const { index, snapshot, verdict, reason, message, seconds } = row
  const kind = verdict === 'fail' && !isExcused ? 'failure' : 'skipped'
  return {
    name: `${index} from ${snapshot}`,
    seconds: seconds.mirror + seconds.restore + seconds.questions,
    outcome: verdict === 'pass' ? null : { kind, type: reason, message: message || reason },
  }
}

/** Warnings fail no build: they are shown. */
function findingCase({ id, code, severity, message, advice }: RunResult['findings'][number]): TestCase {
  const kind = severity === 'error' ? 'failure' : 'skipped'
  return { name: `${code} ${id}`, seconds: null, outcome: { kind, type: severity, message: `${message}. ${advice}` } }
}

function acceptedCase({ finding, until, approver, reason }: RunResult['accepted'][number]): TestCase {
  const message = `accepted by ${approver} until ${until}: ${reason}. ${finding.message}`
  return {
    name: `${finding.code} ${finding.id}`,
    seconds: null,
    outcome: { kind: 'skipped', type: 'accepted', message },
  }
}

function suite({ repository, startedAt }: RunResult, name: string, cases: readonly TestCase[]) {
  const seconds = cases.reduce((sum, one) => sum + (one.seconds ?? 0), 0)
  const timestamp = startedAt.replace(/(?:\.\d+)?Z$/, '')
  const head = attributes({ name, ...counts(cases), time: seconds.toFixed(3), timestamp })
  const rows = cases.map(one => caseXml(one, `${repository.name}.${name}`)).join('')
  return { cases, xml: ` <testsuite${head}>\n${rows} </testsuite>\n` }
}

function counts(cases: readonly TestCase[]) {
  const of = (kind: Outcome['kind']) => cases.filter(({ outcome }) => outcome?.kind === kind).length
  return { tests: cases.length, failures: of('failure'), errors: of('error'), skipped: of('skipped') }
}

function caseXml({ name, seconds, outcome }: TestCase, classname: string): string {
  const time = seconds === null ? {} : { time: seconds.toFixed(3) }
  const head = `  <testcase${attributes({ classname, name, ...time })}`
  if (outcome === null) return `${head}/>\n`
  const { kind, type, message } = outcome
  return `${head}>\n   <${kind}${attributes({ ...(kind === 'skipped' ? {} : { type }), message })}/>\n  </testcase>\n`
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

/** Of an attribute: a line end would be read as a space. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return plainText(text)
    .replace(/[&<>"]/g, one => entities[one] ?? '')
    .replace(/[\t\n\r]/g, one => `&#${one.charCodeAt(0)};`)
}
