/** `run.json`: written in full, read back with suspicion. */
import { SnapproofError } from '../errors.ts'
import type { RunResult } from '../model/run.ts'
import { runShape } from './runShape.ts'
import { type JsonSchema, ShapeError, schemaOf } from './shape.ts'

/** JSON, indented, with a line feed at the end. */
export function serializeRun(run: RunResult): string {
  return `${JSON.stringify(run, null, 2)}\n`
}

/**
 * JSON Schema of `run.json`; what `config/run.schema.json` holds. Made of the checks above, so it refuses what they refuse, and
 * lets through members that a later version adds.
 */
export function runJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'run.json of Snapproof',
    description:
      'What one run found. Additions do not raise schemaVersion: expect members that are not described here.',
    ...schemaOf(runShape),
  }
}

/**
 * Reads `run.json`. Members that this version does not know are kept and ignored; codes of findings and reasons that
 * it does not know are kept.
 *
 * @throws SnapproofError `usage`: not JSON, not a run, or a run of a newer schema
 */
export function parseRun(text: string): RunResult {
  const value = parseJson(text)
  const version: unknown =
    typeof value === 'object' && value !== null && 'schemaVersion' in value ? value.schemaVersion : undefined
  if (typeof version === 'number' && Number.isInteger(version) && version > 1) {
    throw new SnapproofError('usage', `this run.json has schema version ${version}; this Snapproof reads version 1`, {
      advice: 'Draw it with the version of Snapproof that wrote it, or a newer one.',
    })
  }
  try {
    runShape(value, '')
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    throw new SnapproofError('usage', `this is not a run.json of Snapproof: ${error.message}`, {
      advice: 'Give the run.json that an audit wrote, unchanged.',
    })
  }
  // The shape was just checked member by member.
  return value as RunResult
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SnapproofError('usage', `run.json is not JSON (${text.length} characters)`, {
      advice: 'The file may be cut off; take the copy in the bucket, or run the audit again.',
      cause,
    })
  }
}
