/** The leaves of the configuration as the schema states them: for the environment, for flags and for the README. */
import { configJsonSchema } from './schema.ts'

export interface Leaf {
  /** Dotted, such as `limits.restoreBytes`. */
  readonly path: string
  readonly keys: readonly string[]
  /** `SNAPPROOF_LIMITS_RESTORE_BYTES`; null inside lists, which only the file can hold. */
  readonly variable: string | null
  readonly description: string
  /** Undefined: the leaf has no default. */
  readonly default: unknown
  readonly required: boolean
  readonly types: ReadonlySet<string>
}

interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly description?: string
  readonly default?: unknown
}

export const variablePrefix = 'SNAPPROOF_'
/** Variables with the prefix that are not leaves: the file to read, the image that it runs in, more fixtures for the tests. */
export const otherVariables: ReadonlySet<string> = new Set([
  'SNAPPROOF_CONFIG',
  'SNAPPROOF_IMAGE_DIGEST',
  'SNAPPROOF_EXTRA_FIXTURES',
])

/** `limits.restoreBytes` → `SNAPPROOF_LIMITS_RESTORE_BYTES`. */
export function variableName(path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')
  return `${variablePrefix}${words.toUpperCase()}`
}

const schemaNode: SchemaNode = configJsonSchema()

/** Every leaf in the order of the schema; lists are one leaf, and their entries' leaves follow as `engines[].name`. */
export const leaves: readonly Leaf[] = collect(schemaNode, [], false)

/** The mappings of the schema, such as `policy.restore`, outside lists. */
export const sections: readonly (readonly string[])[] = collectSections(schemaNode, [])

/** The keys that the mapping at `path` knows; empty where there is no mapping. Positions in lists are skipped. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  let node: SchemaNode | undefined = schemaNode
  for (const part of path) node = typeof part === 'number' ? node?.items : ownProperty(node, String(part))
  return Object.keys(node?.properties ?? {})
}

function collect(node: SchemaNode, keys: readonly string[], inList: boolean): Leaf[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const at = [...keys, key]
    if (child.properties !== undefined) return collect(child, at, inList)
    const path = at.join('.')
    const leaf: Leaf = {
      path,
      keys: at,
      variable: inList || child.items !== undefined ? null : variableName(path),
      description: child.description ?? '',
      default: child.default,
      required: node.required?.includes(key) ?? false,
      types: new Set(typesOf(child)),
    }
    if (child.items === undefined) return [leaf]
    return [leaf, ...collect(child.items, [...keys, `${key}[]`], true)]
  })
}

function collectSections(node: SchemaNode, keys: readonly string[]): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    child.properties === undefined ? [] : [[...keys, key], ...collectSections(child, [...keys, key])],
  )
}

function typesOf(node: SchemaNode): string[] {
  const own = node.type === undefined ? [] : typeof node.type === 'string' ? [node.type] : [...node.type]
  return [...own, ...(node.anyOf ?? []).flatMap(typesOf)]
}

function ownProperty(node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return node?.properties !== undefined && Object.hasOwn(node.properties, key) ? node.properties[key] : undefined
}
