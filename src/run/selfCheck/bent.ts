/** Evidence of real restores, untouched and bent, before the judge. */
import type { Evidence } from '../../model/evidence.ts'
import { judge } from '../../rules/judge.ts'
import { findingOf } from '../work.ts'
import { bentEvidence, type Wanted } from './bentEvidence.ts'
import type { Ground } from './ground.ts'
import type { Planted } from './planted.ts'
import type { Restorable } from './restorable.ts'

export function bent(ground: Ground, restorables: readonly Restorable[]): Planted[] {
  return restorables.flatMap((restorable): Planted[] => {
    const { content, expected, evidence } = restorable
    const name = `${content.indexName} of ${expected.snapshot}`
    const untouched = {
      what: `untouched evidence of ${name}`,
      code: null,
      ask: () => {
        const { verdict, message } = judge(expected, evidence)
        return verdict === 'pass' ? [] : [`expected pass, got ${verdict}: ${message}`]
      },
    }
    const own = bentEvidence.filter(({ nested }) => nested === undefined || nested === expected.hasNested)
    return [
      untouched,
      ...own.map(({ rule, what, wanted, bend }) => ({
        what: `bent evidence of ${name}: ${what}`,
        code: wanted.verdict === 'fail' ? wanted.code : null,
        rule,
        ask: () => complaints(wanted, bend(evidence, expected), restorable, ground),
      })),
    ]
  })
}

function complaints(wanted: Wanted, evidence: Evidence, restorable: Restorable, ground: Ground): string[] {
  const { planned, expected, content } = restorable
  const { catalogue } = ground
  const judgement = judge(expected, evidence)
  const got = `${judgement.verdict} (${judgement.finding?.code ?? judgement.reason}): ${judgement.message}`
  if (judgement.verdict !== wanted.verdict) return [`expected ${wanted.verdict}, got ${got}`]
  const attempt = {
    planned,
    engine: 'none',
    number: 2,
    atMs: 0,
    sharedWith: [],
    judgement,
    expected,
    evidence,
    seconds: { mirror: 0, restore: 0, questions: 0 },
  }
  const finding = findingOf(attempt, catalogue)
  if (wanted.verdict === 'inconclusive') {
    if (finding !== null) return [`nobody was to be accused, got ${finding.code}`]
    return judgement.reason === wanted.reason ? [] : [`expected ${wanted.reason}, got ${got}`]
  }
  if (finding === null) return [`expected the finding ${wanted.code}, got none`]
  const { code, severity, snapshots, shard } = finding
  const wrong: string[] = []
  if (code !== wanted.code || severity !== 'error' || shard !== wanted.shard)
    wrong.push(`expected error ${wanted.code} of shard ${wanted.shard}, got ${severity} ${code} of shard ${shard}`)
  const hit = content.snapshots.map(position => catalogue.repositoryData.snapshots[position]?.uuid ?? '')
  if ([...snapshots].sort().join() !== hit.sort().join()) wrong.push(`expected to accuse ${hit}, got ${snapshots}`)
  return wrong
}
