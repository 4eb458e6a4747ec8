/**
 * A mapping as dotted field paths. One function for the mapping in the repository and the one that a server answers, so
 * that the two can be compared.
 */

/**
 * Dotted path → type, `object` where none is stated, multi-fields as `a.b`; own properties only. Takes any value and any
 * depth: what is no object holds no fields.
 */
export function flattenMapping(mapping: unknown): Map<string, string> {
  const fields = new Map<string, string>()
  const open: { readonly value: unknown; readonly prefix: string }[] = [{ value: mapping, prefix: '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const group of ['properties', 'fields']) {
      const children = own(next.value, group)
      if (!isRecord(children)) continue
      for (const [name, child] of Object.entries(children)) {
        if (!isRecord(child)) continue
        const type = own(child, 'type')
        const path = `${next.prefix}${name}`
        fields.set(path, typeof type === 'string' ? type : 'object')
        open.push({ value: child, prefix: `${path}.` })
      }
    }
  }
  return fields
}

function own(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
