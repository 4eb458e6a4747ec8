/**
 * A small checker of JSON shapes for `run.json`, which may come from anywhere. It names the place and the value got.
 * Members that it does not know are let through: additions do not raise `schemaVersion`.
 */
export interface Check {
  (value: unknown, path: string): void
  /** The same as JSON Schema, draft 2020-12; absent: anything. */
  readonly schema?: JsonSchema
  /** The member may be left out. */
  readonly optional?: true
}

export type JsonSchema = Readonly<Record<string, unknown>>

function checks(schema: JsonSchema, check: (value: unknown, path: string) => void): Check {
  return Object.assign(check, { schema })
}

export function schemaOf({ schema = {} }: Check): JsonSchema {
  return schema
}

/** Thrown by checks; `parseRun` turns it into a SnapproofError. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new ShapeError(`${path === '' ? 'the document' : path} must be ${expected}, got ${shortly(value)}`)
}

function shortly(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

export const string: Check = checks({ type: 'string' }, (value, path) => {
  if (typeof value !== 'string') refuse(path, 'a string', value)
})

export const bool: Check = checks({ type: 'boolean' }, (value, path) => {
  if (typeof value !== 'boolean') refuse(path, 'true or false', value)
})

/** Finite and not below zero, as all our numbers are. */
export const amount: Check = checks({ type: 'number', minimum: 0 }, (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) refuse(path, 'a number of at least 0', value)
})

/** A whole number; the generation of an empty repository is -1. */
export const whole: Check = checks({ type: 'integer' }, (value, path) => {
  if (!Number.isSafeInteger(value)) refuse(path, 'a whole number', value)
})

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

export const time: Check = checks({ type: 'string', pattern: isoTime.source }, (value, path) => {
  if (typeof value !== 'string' || !isoTime.test(value) || Number.isNaN(Date.parse(value))) {
    refuse(path, 'a time such as 2026-11-23T02:00:00.000Z', value)
  }
})

export function oneOf(...allowed: readonly (string | number)[]): Check {
  return checks({ enum: allowed }, (value, path) => {
    if (!allowed.some(one => one === value)) refuse(path, `one of ${allowed.join(', ')}`, value)
  })
}

export function orNull(check: Check): Check {
  return checks({ anyOf: [schemaOf(check), { type: 'null' }] }, (value, path) => {
    if (value !== null) check(value, path)
  })
}

export function orAbsent(check: Check): Check {
  const orNothing = checks(schemaOf(check), (value, path) => {
    if (value !== undefined) check(value, path)
  })
  return Object.assign(orNothing, { optional: true } as const)
}

export function arrayOf(check: Check): Check {
  return checks({ type: 'array', items: schemaOf(check) }, (value, path) => {
    if (!Array.isArray(value)) refuse(path, 'an array', value)
    for (const [i, item] of value.entries()) check(item, `${path}[${i}]`)
  })
}

export function object(members: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(members)
  const schema = {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, check]) => [name, schemaOf(check)])),
    required: entries.flatMap(([name, check]) => (check.optional === true ? [] : [name])),
  }
  return checks(schema, (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', value)
    for (const [name, check] of entries) {
      const member = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
      check(member, path === '' ? name : `${path}.${name}`)
    }
  })
}

/** An object whose members may have any name. */
export function recordOf(check: Check): Check {
  return checks({ type: 'object', additionalProperties: schemaOf(check) }, (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', value)
    for (const [name, member] of Object.entries(value)) check(member, `${path}.${name}`)
  })
}
