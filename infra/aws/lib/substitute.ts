/** A text with references in it as `Fn::Sub`, a third shorter than the `Fn::Join` that CDK writes: templates have a limit. */
import { Fn, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** `text`: as `toJsonString` gives it, with references to this stack alone. Anything but `Ref` and `Fn::GetAtt` in it stays a join. */
export function substituted(scope: Construct, text: string): string {
  const resolved: unknown = Stack.of(scope).resolve(text)
  const parts = partsOf(resolved)?.map(written) ?? [null]
  return parts.includes(null) ? text : Fn.sub(parts.join(''))
}

function partsOf(value: unknown): readonly unknown[] | null {
  const join = typeof value === 'object' && value !== null && 'Fn::Join' in value ? value['Fn::Join'] : null
  return Array.isArray(join) && join[0] === '' && Array.isArray(join[1]) ? join[1] : null
}

/** Null: it cannot be written so. */
function written(part: unknown): string | null {
  if (typeof part === 'string') return part.replaceAll('${', '${!')
  if (typeof part !== 'object' || part === null) return null
  if ('Ref' in part) return `\${${String(part.Ref)}}`
  const attribute = 'Fn::GetAtt' in part ? part['Fn::GetAtt'] : null
  return Array.isArray(attribute) ? `\${${attribute.join('.')}}` : null
}
