/** The owner's rules: what must hold on the restored data. One entry has a name, the indices it speaks about, and one kind of rule. */
import * as z from 'zod'
import type { OwnerRule, Range, RuleKind, RuleWants } from '../model/ownerRule.ts'
import { duration, flag, oneOf, section, sentence, text, whole } from './shapes.ts'

const patternsAllowed = 'a name, * for any text, or a list of such names'
const patterns = z.union([sentence, z.array(sentence).min(1)], { error: patternsAllowed })
const field = text('a dotted path of a field', /^[^\s*"]{1,500}$/).meta({ description: 'Dotted path of the field.' })
const amountAllowed = 'a number'
const bound = z.number({ error: amountAllowed }).nullable().default(null)

function range(what: string) {
  const allowed = `min, max or both, min not above max: ${what}`
  return section({
    min: bound.meta({ description: `At least so much: ${what}.` }),
    max: bound.meta({ description: `At most so much: ${what}.` }),
  }).refine(({ min, max }) => (min ?? max) !== null && (min === null || max === null || min <= max), { error: allowed })
}

/** What returns documents, or counts only some, is not among them. */
const queryKeys = ['query', 'aggs', 'aggregations', 'runtime_mappings', 'size', 'track_total_hits', 'timeout'] as const
const bodyAllowed = `a search body of ${queryKeys.join(', ')}; size is always 0, all hits are counted`
const body = z
  .record(z.string(), z.unknown(), { error: bodyAllowed })
  .refine(value => Object.keys(value).every(key => (queryKeys as readonly string[]).includes(key)), {
    error: bodyAllowed,
  })
  .refine(value => isMapping(value.query ?? {}) && isMapping(value.aggs ?? value.aggregations ?? {}), {
    error: bodyAllowed,
  })

const typesAllowed = 'a mapping from the dotted path of a field to its type, or to a list of types'
const fieldTypes = z
  .record(z.string(), z.union([sentence, z.array(sentence).min(1)]), { error: typesAllowed })
  .refine(types => Object.keys(types).length > 0, { error: typesAllowed })

const commandAllowed = 'a list: the program, then its arguments'
const kinds = {
  documents: range('documents'),
  fields: fieldTypes.meta({
    description: 'Fields of the restored mapping: dotted path to type, or to a list of types.',
  }),
  filled: section({
    field,
    percent: z
      .number({ error: 'a number above 0, at most 100' })
      .positive({ error: 'a number above 0, at most 100' })
      .max(100, { error: 'a number above 0, at most 100' })
      .meta({ description: 'At least so many percent of the documents have a value in the field.' }),
  }),
  newest: section({
    field,
    within: duration('1s').meta({
      description: 'The newest time of the field lies at most so long before the snapshot began.',
    }),
    ahead: duration('0s').prefault('1h').meta({ description: 'And at most so long after the snapshot ended.' }),
  }),
  oldest: section({
    field,
    within: duration('1s').meta({
      description: 'The oldest time of the field lies at most so long before the snapshot began.',
    }),
  }),
  query: section({
    body: body.meta({ description: 'Elasticsearch DSL; size is always 0, and all hits are counted.' }),
    hits: range('hits').optional(),
    aggregation: text('names of aggregations joined by >, such as by_day>total.avg', /^[^\n]{1,500}$/)
      .optional()
      .meta({ description: 'Path to one number of the aggregations, such as revenue, a>b or latency.max.' }),
    value: range('value of the aggregation').optional(),
  }),
  aliases: z
    .array(sentence, { error: 'a list of aliases' })
    .min(1, { error: 'a list of aliases' })
    .meta({ description: 'Aliases that the index must have.' }),
  indices: section({
    present: z
      .array(sentence, { error: 'a list of names, * for any text' })
      .default([])
      .meta({ description: 'Each matches at least one index of the snapshot.' }),
    asBefore: flag.default(false).meta({
      description: 'No index that `index` matches is missing that the snapshot before had.',
    }),
  }).refine(({ present, asBefore }) => present.length > 0 || asBefore, { error: 'present, asBefore: true, or both' }),
  command: section({
    run: z
      .array(text(commandAllowed, /^[^\0]{1,4096}$/), { error: commandAllowed })
      .min(1, { error: commandAllowed })
      .meta({ description: 'Program and arguments; no shell. It ends with 0 where all is well.' }),
    timeLimit: duration('1s').prefault('1m').meta({ description: 'It is ended after this time.' }),
  }),
} as const satisfies Record<RuleKind, z.ZodType>
const kindNames = Object.keys(kinds) as RuleKind[]

const rule = section({
  name: sentence.meta({ description: 'Unique; findings and reports name the rule by it.' }),
  index: patterns.default('*').meta({ description: 'Indices that it speaks about: names, * for any text.' }),
  snapshots: patterns.default('*').meta({ description: 'Snapshots that it speaks about: names, * for any text.' }),
  severity: oneOf(['error', 'warning'])
    .default('error')
    .meta({ description: 'error: snapshots on which it does not hold fail. warning: they are shown.' }),
  documents: kinds.documents.optional(),
  fields: kinds.fields.optional(),
  filled: kinds.filled.optional(),
  newest: kinds.newest.optional(),
  oldest: kinds.oldest.optional(),
  query: kinds.query.optional(),
  aliases: kinds.aliases.optional(),
  indices: kinds.indices.optional(),
  command: kinds.command.optional(),
})

export const rules = z
  .array(rule, { error: 'a list of rules' })
  .max(1_000, { error: 'at most 1000 rules' })
  .default([])
  .superRefine((list, context) => {
    const first = new Map<string, number>()
    for (const [i, one] of list.entries()) {
      const given = kindNames.filter(kind => one[kind] !== undefined)
      const say = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path: [i, ...path], message })
      if (given.length !== 1) say([], `a name, index, and exactly one of ${kindNames.join(', ')}`)
      const known = first.get(one.name)
      if (known === undefined) first.set(one.name, i)
      else say(['name'], `a name of its own; rules[${known}] has this one`)
      if (one.query === undefined) continue
      const { hits, aggregation, value } = one.query
      if (hits === undefined && aggregation === undefined) say(['query'], 'hits, or aggregation with value, or both')
      if ((aggregation === undefined) !== (value === undefined)) say(['query'], 'aggregation together with value')
      const unknown = aggregation === undefined ? null : unknownAggregation(aggregation, one.query.body)
      if (unknown !== null) say(['query', 'aggregation'], unknown)
    }
  })
  .meta({ description: 'What must hold on the restored data.' })

/** What is allowed where the first name of the path is no aggregation of the body; null: it is one. */
function unknownAggregation(path: string, { aggs, aggregations }: Readonly<Record<string, unknown>>): string | null {
  const names = Object.keys(isMapping(aggs) ? aggs : isMapping(aggregations) ? aggregations : {})
  const [first = ''] = path.split('>').map(part => part.trim())
  if (names.some(name => first === name || first.startsWith(`${name}.`))) return null
  return names.length === 0 ? 'nothing: the body has no aggs' : `a path that begins with ${names.join(', ')}`
}

/** @param folder what a program's path that is relative starts at; a bare name is looked for on the PATH */
export function toOwnerRules(parsed: z.output<typeof rules>, programAt: (path: string) => string): OwnerRule[] {
  return parsed.map(one => {
    const { name, severity } = one
    const about = { name, index: listOf(one.index), snapshots: listOf(one.snapshots), severity }
    const [kind, wants] = wantsOf(one, programAt)
    // Kind and wants come from one and the same branch.
    return { ...about, kind, wants } as OwnerRule
  })
}

type KindAndWants = { [Kind in RuleKind]: readonly [Kind, RuleWants[Kind]] }[RuleKind]

function wantsOf(one: z.output<typeof rule>, programAt: (path: string) => string): KindAndWants {
  if (one.documents !== undefined) return ['documents', one.documents]
  if (one.fields !== undefined) {
    const types = Object.entries(one.fields).map(([path, type]) => [path, listOf(type)] as const)
    return ['fields', { types: Object.fromEntries(types) }]
  }
  if (one.filled !== undefined) return ['filled', one.filled]
  if (one.newest !== undefined) {
    const { field: path, within, ahead } = one.newest
    return ['newest', { field: path, withinSeconds: within, aheadSeconds: ahead }]
  }
  if (one.oldest !== undefined) return ['oldest', { field: one.oldest.field, withinSeconds: one.oldest.within }]
  if (one.query !== undefined) {
    const { body: search, hits, aggregation, value } = one.query
    const asked =
      aggregation === undefined || value === undefined ? null : { path: aggregation, range: value satisfies Range }
    return ['query', { body: search, hits: hits ?? null, aggregation: asked }]
  }
  if (one.aliases !== undefined) return ['aliases', { names: one.aliases }]
  if (one.command !== undefined) {
    const [program = '', ...args] = one.command.run
    return ['command', { run: [programAt(program), ...args], timeLimitSeconds: one.command.timeLimit }]
  }
  return ['indices', one.indices ?? { present: [], asBefore: true }]
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const keepEvidence = whole(1, 36_500, 'days').nullable().default(null).meta({
  description:
    'Days after which folders of runs below `folder` are removed by a later run; none: never. In a bucket a lifecycle rule does it.',
})
