/** Is there anything in a run.json that its JSON Schema does not describe? */
import * as z from 'zod'
import { runJsonSchema } from '../../src/report/run-json.ts'

/** The same schema without leave to add anything. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  return 'required' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}

const strict = z.fromJSONSchema(closed(runJsonSchema()) as Parameters<typeof z.fromJSONSchema>[0])

/** What is wrong, in a few lines; null: nothing. `run`: as JSON gives it. */
export function undescribed(run: unknown): string | null {
  const { error } = strict.safeParse(JSON.parse(JSON.stringify(run)))
  return error === undefined ? null : JSON.stringify(error.issues).slice(0, 2_000)
}

/** Every run that a test makes is described, or the test fails. */
export function mustBeDescribed(run: unknown): void {
  const missing = undescribed(run)
  if (missing !== null) throw new Error(`config/run.schema.json does not describe this run: ${missing}`)
}
