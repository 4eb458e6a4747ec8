/**
 * A small checker of JSON shapes for `run.json`, which may come from anywhere. It names the place and the value got.
 * Members that it does not know are let through: additions do not raise `schemaVersion`.
 */
export type Check = (value: unknown, path: string) => void

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

export const string: Check = (value, path) => {
  if (typeof value !== 'string') refuse(path, 'a string', value)
}

export const bool: Check = (value, path) => {
  if (typeof value !== 'boolean') refuse(path, 'true or false', value)
}

/** Finite and not below zero, as all our numbers are. */
export const amount: Check = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) refuse(path, 'a number of at least 0', value)
}

/** A whole number; the generation of an empty repository is -1. */
export const whole: Check = (value, path) => {
  if (!Number.isSafeInteger(value)) refuse(path, 'a whole number', value)
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

export const time: Check = (value, path) => {
  if (typeof value !== 'string' || !isoTime.test(value) || Number.isNaN(Date.parse(value))) {
    refuse(path, 'a time such as 2026-11-23T02:00:00.000Z', value)
  }
}

export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, path) => {
    if (!allowed.some(one => one === value)) refuse(path, `one of ${allowed.join(', ')}`, value)
  }
}

export function orNull(check: Check): Check {
  return (value, path) => {
    if (value !== null) check(value, path)
  }
}

export function orAbsent(check: Check): Check {
  return (value, path) => {
    if (value !== undefined) check(value, path)
  }
}

export function arrayOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) refuse(path, 'an array', value)
    for (const [i, item] of value.entries()) check(item, `${path}[${i}]`)
  }
}

export function object(members: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', value)
    for (const [name, check] of Object.entries(members)) {
      const member = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
      check(member, path === '' ? name : `${path}.${name}`)
    }
  }
}

/** An object whose members may have any name. */
export function recordOf(check: Check): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'an object', value)
    for (const [name, member] of Object.entries(value)) check(member, `${path}.${name}`)
  }
}
