/** File, environment and flags laid over each other: the last one that says something wins. */
import { isAbsolute, resolve } from 'node:path'
import { type Leaf, leaves, otherVariables, sections, variablePrefix } from './leaves.ts'
import { didYouMean, type Problem } from './problems.ts'
import { pathLeaves } from './schema.ts'

export type FlagValue = string | number | boolean | null
export type Environment = Readonly<Record<string, string | undefined>>

interface Layered {
  readonly value: Record<string, unknown>
  /** Dotted path → `environment SNAPPROOF_X` or `flag x.y`, for the leaves that the file did not decide. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

/** Says the same in two ways; who sets one takes the other out of the layers below. */
const exclusive: Readonly<Record<string, string>> = { 'ledger.url': 'ledger.sync', 'ledger.sync': 'ledger.url' }
const paths: ReadonlySet<string> = new Set(pathLeaves)

/**
 * `base` is left as it is. A variable that is empty counts as not set; `none` empties a leaf that may be empty.
 * Relative paths from environment and flags start at `workingFolder`.
 */
export function layer(
  base: Readonly<Record<string, unknown>>,
  environment: Environment,
  overrides: Readonly<Record<string, FlagValue | undefined>>,
  workingFolder: string,
): Layered {
  const value = structuredClone(base) as Record<string, unknown>
  for (const keys of sections) fillEmptySection(value, keys)
  const origins = new Map<string, string>()
  const problems: Problem[] = []
  const set = (leaf: Leaf, raw: FlagValue, origin: string) => {
    const anchored = paths.has(leaf.path) && typeof raw === 'string' && raw !== '' && !isAbsolute(raw)
    put(value, leaf.keys, anchored ? resolve(workingFolder, raw) : raw)
    origins.set(leaf.path, origin)
    const other = leaves.find(({ path }) => path === exclusive[leaf.path])
    if (other === undefined || raw === null) return
    remove(value, other.keys)
    origins.delete(other.path)
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(variablePrefix) || otherVariables.has(variable)) continue
    const leaf = leaves.find(candidate => candidate.variable === variable)
    if (leaf === undefined) problems.push(unknownVariable(variable))
    else if (text !== undefined && text !== '') set(leaf, fromText(leaf, text), `environment ${variable}`)
  }
  for (const [path, raw] of Object.entries(overrides)) {
    if (raw === undefined) continue
    const leaf = leaves.find(candidate => candidate.path === path && candidate.variable !== null)
    if (leaf === undefined) problems.push(unknownFlag(path))
    else set(leaf, typeof raw === 'string' ? fromText(leaf, raw) : raw, `flag ${path}`)
  }
  return { value, origins, problems }
}

const afterTheFile = Number.MAX_SAFE_INTEGER

/** The value is not repeated: an unknown variable may hold anything. */
function unknownVariable(variable: string): Problem {
  const names = leaves.flatMap(leaf => leaf.variable ?? [])
  const meant = didYouMean(variable, names)
  return {
    where: `environment ${variable}`,
    offset: afterTheFile,
    path: '',
    message: `no such variable${meant === null ? `; allowed: ${names.join(', ')}` : `; did you mean ${meant}?`}`,
  }
}

function unknownFlag(path: string): Problem {
  const names = leaves.flatMap(leaf => (leaf.variable === null ? [] : leaf.path))
  const meant = didYouMean(path, names)
  return {
    where: `flag ${path}`,
    offset: afterTheFile,
    path: '',
    message: `no such key${meant === null ? '' : `; did you mean ${meant}?`}`,
  }
}

/** Text becomes what the leaf holds where that is plain; everything else is left for the schema to refuse. */
function fromText(leaf: Leaf, text: string): FlagValue {
  if (leaf.types.has('null') && text === 'none') return null
  if (leaf.types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if ((leaf.types.has('number') || leaf.types.has('integer')) && /^\d+$/.test(text)) return Number(text)
  // Sizes and durations are texts too, and read their own fractions.
  if (leaf.types.has('number') && !leaf.types.has('string') && /^\d*\.\d+$/.test(text)) return Number(text)
  return text
}

/** `limits:` with all its keys commented out is null in YAML and means an empty mapping. */
function fillEmptySection(value: Record<string, unknown>, keys: readonly string[]): void {
  const last = keys.at(-1)
  const parent = descend(value, keys.slice(0, -1))
  if (parent !== null && last !== undefined && Object.hasOwn(parent, last) && parent[last] === null) parent[last] = {}
}

function put(value: Record<string, unknown>, keys: readonly string[], leaf: FlagValue): void {
  let at = value
  for (const key of keys.slice(0, -1)) {
    if (!Object.hasOwn(at, key)) at[key] = {}
    const next = at[key]
    // A section that is no mapping in the file stays: the schema names it.
    if (!isRecord(next)) return
    at = next
  }
  const last = keys.at(-1)
  if (last !== undefined) at[last] = leaf
}

function remove(value: Record<string, unknown>, keys: readonly string[]): void {
  const parent = descend(value, keys.slice(0, -1))
  const last = keys.at(-1)
  if (parent !== null && last !== undefined) delete parent[last]
}

function descend(value: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> | null {
  let at: unknown = value
  for (const key of keys) at = isRecord(at) && Object.hasOwn(at, key) ? at[key] : null
  return isRecord(at) ? at : null
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as Record<PropertyKey, unknown>)[part]
  }
  return at
}
