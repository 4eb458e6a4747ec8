/** The night of a real server in test/fixtures/evidence: its run, what it saved, and the rules that it was judged by. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { OwnerRule } from '../../src/model/ownerRule.ts'
import type { RunResult } from '../../src/model/run.ts'
import { parseRun } from '../../src/report/run-json.ts'
import type { RuledSnapshot } from '../../src/run/ruleLevels.ts'
import { readEvidence, type SavedEvidence } from '../../src/run/savedEvidence.ts'
import { readSavedRules, savedRulesName } from '../../src/run/savedRules.ts'

const folder = join(import.meta.dirname, '../fixtures/evidence')
const text = (name: string) => readFile(join(folder, name), 'utf8')

export interface SavedNight {
  readonly run: RunResult
  /** Text of a file of its folder; null: there is none. */
  readonly read: (name: string) => Promise<string | null>
  readonly rules: readonly OwnerRule[]
  readonly snapshots: readonly RuledSnapshot[]
  readonly indices: ReadonlySet<string>
  readonly evidence: readonly SavedEvidence[]
}

export async function readSavedNight(): Promise<SavedNight> {
  const run = parseRun(await text('run.json'))
  const names = run.restores.flatMap(({ evidence }) => evidence ?? [])
  return {
    run,
    read: name => text(name).catch(() => null),
    rules: await readRules(),
    ...readSavedRules(await text(savedRulesName)),
    evidence: await Promise.all(names.map(async name => readEvidence(await text(name), name))),
  }
}

async function readRules(): Promise<readonly OwnerRule[]> {
  const work = await mkdtemp(join(tmpdir(), 'snapproof-rules-'))
  try {
    const file = join(work, 'snapproof.yaml')
    const head = `repository: { name: rules, url: 'file:///x' }\nledger: { sync: none }\nengines: [{ name: e, kind: maven, version: 9.5.3 }]\n`
    await writeFile(file, head + (await text('rules.yaml')))
    return (await loadConfig({ file, environment: {} })).rules
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
