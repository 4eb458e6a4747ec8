/**
 * Typed look at decoded values: each function says what was expected and where when it is something else.
 * Paths are for people (`files[3].length`); offsets are lost behind SMILE, so that these errors carry offset 0.
 */
import { DecodeError } from './decode-error.ts'
import type { SmileObject, SmileValue } from './smile.ts'

export function isObject(value: SmileValue | undefined): value is SmileObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)
}

/** Own property or undefined; null counts as absent. */
export function get(object: SmileObject, key: string): Exclude<SmileValue, null> | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined
  return value ?? undefined
}

export function badValue(path: string, expected: string, got: SmileValue | undefined): DecodeError {
  return new DecodeError('bad-value', 0, `${path} is ${show(got)}, expected ${expected}`)
}

export function text(object: SmileObject, key: string, path = key): string {
  const value = get(object, key)
  if (typeof value !== 'string') throw badValue(path, 'text', value)
  return value
}

export function optionalText(object: SmileObject, key: string): string | null {
  const value = get(object, key)
  return typeof value === 'string' ? value : null
}

/** A whole number from 0 to 2^53−1. */
export function count(object: SmileObject, key: string, path = key): number {
  const value = get(object, key)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw badValue(path, 'a whole number from 0', value)
  return value
}

export function optionalCount(object: SmileObject, key: string, path = key): number | null {
  return get(object, key) === undefined ? null : count(object, key, path)
}

export function list(object: SmileObject, key: string, path = key): SmileValue[] {
  const value = get(object, key)
  if (value === undefined) return []
  if (!Array.isArray(value)) throw badValue(path, 'a list', value)
  return value
}

export function texts(object: SmileObject, key: string, path = key): string[] {
  return list(object, key, path).map((value, i) => {
    if (typeof value !== 'string') throw badValue(`${path}[${i}]`, 'text', value)
    return value
  })
}

export function object(value: SmileValue | undefined, path: string): SmileObject {
  if (!isObject(value)) throw badValue(path, 'an object', value)
  return value
}

function show(value: SmileValue | undefined): string {
  if (value === undefined || value === null) return 'absent'
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
