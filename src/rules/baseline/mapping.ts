/** Fields that all snapshots before had are gone, or have another type. New fields are how indices grow. */
import type { MappingFields, Measure } from '../../model/baseline.ts'
import { type BaselineRule, day, type Mappings, number } from './rule.ts'

const recentSnapshots = 7
const maxNames = 5

export const mapping: BaselineRule = {
  kind: 'mapping',
  against: 'level',
  differs(now, before, wants, enough, mappings) {
    if (!wants.mapping || now.mapping === null || before.at(-1)?.mapping === now.mapping) return null
    const own = mappings.get(now.mapping)
    const recent = knownMappings(before, mappings)
    if (own === undefined || recent.length < enough) return null
    const always = inAll(recent.slice(-recentSnapshots))
    const has = (field: string) => Object.hasOwn(own, field)
    const gone = [...always.keys()].filter(field => !has(field))
    const other = [...always].flatMap(([field, type]) =>
      type !== null && has(field) && own[field] !== type ? [`${field} (${type}, now ${own[field]})`] : [],
    )
    if (gone.length + other.length === 0) return null
    const words = [
      ...(gone.length === 0 ? [] : [`${counted(gone.length, 'field')} gone: ${list(gone)}`]),
      ...(other.length === 0 ? [] : [`${counted(other.length, 'field')} of another type: ${list(other)}`]),
    ]
    const count = Math.min(recent.length, recentSnapshots)
    return `${words.join('; ')}; ${number(Object.keys(own).length)} fields on ${day(now.endedMs)}, compared with the ${count} snapshots before`
  },
}

function knownMappings(before: readonly Measure[], mappings: Mappings): MappingFields[] {
  return before
    .map(({ mapping: digest }) => (digest === null ? undefined : mappings.get(digest)))
    .filter(known => known !== undefined)
}

/** Fields that every mapping has; null: not of one type in all. */
function inAll(recent: readonly MappingFields[]): Map<string, string | null> {
  const [first = {}, ...others] = recent
  const always = new Map<string, string | null>()
  for (const [field, type] of Object.entries(first)) {
    if (!others.every(one => Object.hasOwn(one, field))) continue
    always.set(field, others.every(one => one[field] === type) ? type : null)
  }
  return always
}

function list(names: readonly string[]): string {
  const sorted = [...names].sort()
  const left = sorted.length - maxNames
  return `${sorted.slice(0, maxNames).join(', ')}${left > 0 ? ` and ${number(left)} more` : ''}`
}

function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`
}
