/** Every kind of rule. One that is not here cannot be configured. */
import type { Question } from '../../model/answers.ts'
import type { OwnerRule, RuleKind } from '../../model/ownerRule.ts'
import { aliases } from './aliases.ts'
import { command } from './command.ts'
import { documents } from './documents.ts'
import { fields } from './fields.ts'
import { filled } from './filled.ts'
import { indices } from './indices.ts'
import type { RuleKindFile } from './kind.ts'
import { newest } from './newest.ts'
import { oldest } from './oldest.ts'
import { query } from './query.ts'

/** In the order of the documentation. */
export const ruleKinds: { readonly [Kind in RuleKind]: RuleKindFile<Kind> } = {
  documents,
  fields,
  filled,
  newest,
  oldest,
  query,
  aliases,
  indices,
  command,
}

/** The file of a rule's kind. */
export function kindOf(rule: OwnerRule): RuleKindFile<RuleKind> {
  // What `wants` of a rule is, its kind decides: the type of a rule says so, and the compiler cannot follow it through the table.
  return ruleKinds[rule.kind] as unknown as RuleKindFile<RuleKind>
}

export function questionsOf(rule: OwnerRule): readonly Question[] {
  return kindOf(rule).questions(rule.wants)
}
