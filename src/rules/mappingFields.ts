/** Every field of the mapping that was snapshotted is in the restored mapping, with its type. */
import type { Evidence, Expectation } from '../model/evidence.ts'
import { pass, type Rule, type RuleOutcome } from './rule.ts'

export const mappingFields: Rule = {
  meta: {
    id: 'mappingFields',
    title: 'Every field of the mapping is there, with its type',
    why: 'Documents without their mapping are stored and cannot be searched as before.',
  },
  check,
}

/** How many fields a message names. */
const named = 5

function check(expected: Expectation, evidence: Evidence): RuleOutcome[] {
  if (evidence.refusal !== null) return [pass]
  const { fields } = evidence
  if (fields === null) {
    const reason = evidence.cutShort?.reason ?? 'evidence-incomplete'
    return [{ verdict: 'inconclusive', reason, message: 'the restored mapping was not answered' }]
  }
  const wrong = Object.entries(expected.fields).filter(
    ([path, type]) => !(Object.hasOwn(fields, path) && fields[path] === type),
  )
  if (wrong.length === 0) return [pass]
  const list = wrong
    .slice(0, named)
    .map(([path, type]) => `${path}: ${Object.hasOwn(fields, path) ? fields[path] : 'missing'}, expected ${type}`)
  const more = wrong.length > named ? ` and ${wrong.length - named} more` : ''
  return [{ verdict: 'fail', code: 'mapping-field-missing', shard: null, message: `${list.join('; ')}${more}` }]
}
