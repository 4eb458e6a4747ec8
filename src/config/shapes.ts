/** The kinds of leaves that the configuration is made of; each says in its error what it allows. */
import * as z from 'zod'
import { bytesAllowed, dateAllowed, durationAllowed, parseBytes, parseDate, parseDuration } from './units.ts'

/** By number, not \p{Cc}: the pattern goes into the JSON Schema, and editors leave the flag out. */
export const controls = '\\u0000-\\u001f\\u007f-\\u009f'

export function text(allowed: string, pattern: RegExp) {
  return z.string({ error: allowed }).regex(pattern, { error: allowed })
}

export function whole(minimum: number, maximum: number, unit = '') {
  const error = `a whole number from ${minimum} to ${maximum}${unit === '' ? '' : ` (${unit})`}`
  return z.int({ error }).min(minimum, { error }).max(maximum, { error })
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: values.join(', ') })
}

export function bytes(minimum: number) {
  const allowed = `${bytesAllowed}, at least ${minimum === 1 ? '1 byte' : `${minimum} bytes`}`
  return z.union([z.string(), z.number()], { error: allowed }).transform((value, context) => {
    const parsed = parseBytes(value)
    if (parsed !== null && parsed >= minimum) return parsed
    context.addIssue({ code: 'custom', message: allowed })
    return z.NEVER
  })
}

/** `least` is there so that a bare `7`, meant as days and read as seconds, is refused. */
export function duration(least: string) {
  const allowed = `${durationAllowed}, at least ${least}`
  const minimum = parseDuration(least) ?? 0
  return z.union([z.string(), z.number()], { error: allowed }).transform((value, context) => {
    const parsed = parseDuration(value)
    if (parsed !== null && parsed >= minimum) return parsed
    context.addIssue({ code: 'custom', message: allowed })
    return z.NEVER
  })
}

export function date(options: { readonly endOfDay?: boolean } = {}) {
  return z.string({ error: dateAllowed }).transform((value, context) => {
    const parsed = parseDate(value, options)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: dateAllowed })
    return z.NEVER
  })
}

export function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, { error: `a mapping with the keys ${Object.keys(shape).join(', ')}` })
}

export const filePath = text('a path', new RegExp(`^[^${controls}]+$`))
export const sentence = text(
  'a text of 1 to 500 characters in one line',
  new RegExp(`^(?=.*\\S)[^${controls}]{1,500}$`),
)
export const flag = z.boolean({ error: 'true, false' })
export const region = text('a region such as eu-central-1', /^[a-z0-9][a-z0-9-]{1,31}$/)
  .nullable()
  .default(null)
export const endpointUrl = text(
  'http://host:port or https://host:port, without user, password and query',
  /^https?:\/\/[A-Za-z0-9.[\]:-]+(?:\/[^\s?#@]*)?$/,
)
  .nullable()
  .default(null)

export function storeAccess(what: string) {
  return {
    region: region.meta({ description: `Region of the bucket of ${what}; none: what the SDK finds.` }),
    endpointUrl: endpointUrl.meta({ description: `S3-compatible store of ${what}; none: AWS.` }),
    pathStyle: flag
      .nullable()
      .default(null)
      .meta({
        description: `Bucket of ${what} in the path, not in the host name; none: yes when endpointUrl is given.`,
      }),
  }
}
