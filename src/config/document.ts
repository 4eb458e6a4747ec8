/** The YAML file: its value, and where each key and value of it stands. The only user of `yaml`. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { gotAllowed, type Problem } from './problems.ts'

/** A configuration is a page, not a data set. */
const maximumCharacters = 1_000_000

export interface ConfigDocument {
  /** Plain mappings, lists and scalars; an empty mapping when there are problems. */
  readonly value: Record<string, unknown>
  readonly problems: readonly Problem[]
  /** Place of the value at `path`, or of its key; where it is missing, that of the nearest mapping around it. */
  locate(path: readonly PropertyKey[], what: 'key' | 'value'): { readonly where: string; readonly offset: number }
}

export function parseConfigDocument(file: string, text: string): ConfigDocument {
  if (text.length > maximumCharacters) {
    return broken(file, `the file has ${text.length} characters; allowed: at most ${maximumCharacters}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, stringKeys: true })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { where: `${file}:${line}:${col}`, offset }
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const problems = faults.map(fault => ({ ...at(fault.pos[0]), path: '', message: `not YAML: ${fault.message}` }))
    return { value: {}, problems, locate: () => at(0) }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // The parser's guard against documents that grow without bound by references to references.
    return broken(file, `not YAML that can be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return broken(file, gotAllowed(value ?? undefined, 'a mapping; config/snapproof.example.yaml shows every key'))
  }
  return {
    value: value as Record<string, unknown>,
    problems: [],
    locate: (path, what) => at(offsetOf(document, path, what)),
  }
}

function broken(file: string, message: string): ConfigDocument {
  const place = { where: file, offset: 0 }
  return { value: {}, problems: [{ ...place, path: '', message }], locate: () => place }
}

function offsetOf(document: Document, path: readonly PropertyKey[], what: 'key' | 'value'): number {
  let node = resolve(document, document.contents)
  let offset = node?.range?.[0] ?? 0
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) return offset
      const key = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
      const own = pair.value as Node | null
      node = resolve(document, own)
      const wantsKey = depth < path.length - 1 || what === 'key' || own === null
      offset = wantsKey ? key : (own.range?.[0] ?? key)
    } else if (isSeq(node)) {
      const own = node.items[Number(part)] as Node | undefined
      if (own === undefined) return offset
      offset = own.range?.[0] ?? offset
      node = resolve(document, own)
    } else return offset
  }
  return offset
}

function resolve(document: Document, node: Node | null | undefined): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : (node ?? null)
}
