/**
 * Runs a definition in the Amazon States Language, as much of it as ours is made of: Task, Choice and Succeed, Catch, ResultPath and
 * ResultSelector, paths, `States.Format` and `States.StringToJson`. Whatever else it meets it refuses, so that a definition never passes because
 * a part of it was not looked at. Sources: states-language.net/spec.html, and the Step Functions developer guide on intrinsic functions.
 */

export interface StateMachine {
  readonly StartAt: string
  // biome-ignore lint/suspicious/noExplicitAny: states are JSON of many shapes; what is read is checked
  readonly States: Readonly<Record<string, any>>
}

/** What a task throws. */
export class TaskError extends Error {
  readonly error: string
  constructor(error: string) {
    super(error)
    this.error = error
  }
}

export type Tasks = (resource: string, parameters: Json) => Json
export type Json = unknown

export interface Execution {
  readonly status: 'SUCCEEDED' | 'FAILED'
  /** Names of the states that were entered, in order. */
  readonly path: readonly string[]
}

const known: Readonly<Record<string, readonly string[]>> = {
  Task: [
    'Type',
    'Resource',
    'TimeoutSeconds',
    'Parameters',
    'ResultSelector',
    'ResultPath',
    'Retry',
    'Catch',
    'Next',
    'End',
  ],
  Choice: ['Type', 'Choices', 'Default'],
  Succeed: ['Type'],
}

/** `Retry` is left to the services: a task here says what came of all attempts. */
export function execute({ StartAt, States }: StateMachine, name: string, tasks: Tasks): Execution {
  const context = { Execution: { Name: name } }
  const path: string[] = []
  let input: Json = {}
  for (let at: string | null = StartAt; at !== null; ) {
    if (path.length > 100) throw new Error(`it goes round in circles: ${path.join(', ')}`)
    const state: StateMachine['States'][string] | undefined = States[at]
    if (state === undefined) throw new Error(`there is no state ${at}`)
    path.push(at)
    const fields = known[state.Type]
    const strange = Object.keys(state).filter(field => fields?.includes(field) !== true)
    if (strange.length > 0) throw new Error(`${at}: a ${state.Type} with ${strange.join(', ')}`)
    if (state.Type === 'Succeed') break
    if (state.Type === 'Choice') {
      at = choose(state, input)
      continue
    }
    try {
      const result = tasks(state.Resource, fill(state.Parameters, input, context))
      const selected = state.ResultSelector === undefined ? result : fill(state.ResultSelector, result, context)
      input = place(selected, state.ResultPath, input)
      at = state.End === true ? null : state.Next
    } catch (error) {
      if (!(error instanceof TaskError)) throw error
      const caught = (state.Catch ?? []).find(({ ErrorEquals }: { ErrorEquals: readonly string[] }) =>
        ErrorEquals.some(one => one === 'States.ALL' || one === error.error),
      )
      if (caught === undefined) return { status: 'FAILED', path }
      input = place({ Error: error.error }, caught.ResultPath, input)
      at = caught.Next
    }
  }
  return { status: 'SUCCEEDED', path }
}

interface Rule {
  readonly Variable: string
  readonly Next: string
  readonly NumericEquals?: number
  readonly NumericGreaterThanEquals?: number
}

function choose({ Choices, Default }: { readonly Choices: readonly Rule[]; readonly Default: string }, input: Json) {
  for (const { Variable, Next, NumericEquals, NumericGreaterThanEquals, ...rest } of Choices) {
    if (Object.keys(rest).length > 0) throw new Error(`a choice with ${Object.keys(rest).join(', ')}`)
    const value = resolve(Variable, input)
    // A comparison of numbers is false for what is none.
    if (typeof value !== 'number') continue
    if (value === NumericEquals || value >= (NumericGreaterThanEquals ?? Number.POSITIVE_INFINITY)) return Next
  }
  return Default
}

function fill(template: Json, input: Json, context: object): Json {
  if (Array.isArray(template)) return template.map(one => fill(one, input, context))
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$')
        ? [key.slice(0, -2), evaluate(String(value), input, context)]
        : [key, fill(value, input, context)],
    ),
  )
}

function evaluate(expression: string, input: Json, context: object): Json {
  if (expression.startsWith('$$')) return resolve(expression.slice(1), context)
  if (expression.startsWith('$')) return resolve(expression, input)
  const format = /^States\.Format\('([^']*)', ([^,()]+)\)$/.exec(expression)
  if (format !== null) {
    const [, text = '', argument = ''] = format
    if (text.split('{}').length !== 2) throw new Error(`${expression}: as many {} as values`)
    return text.replace('{}', String(evaluate(argument, input, context)))
  }
  const parsed = /^States\.StringToJson\(([^,()]+)\)$/.exec(expression)
  if (parsed !== null) return JSON.parse(String(evaluate(parsed[1] ?? '', input, context)))
  throw new Error(`${expression} is not understood`)
}

/** `$.a.b`; throws where there is nothing, as Step Functions does (States.ParameterPathFailure, States.Runtime). */
function resolve(path: string, from: Json): Json {
  if (!/^\$(?:\.\w+)*$/.test(path)) throw new Error(`${path} is not understood`)
  return path
    .split('.')
    .slice(1)
    .reduce<Json>((value, key) => {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) throw new Error(`no ${path}`)
      return (value as Record<string, unknown>)[key]
    }, from)
}

function place(result: Json, resultPath: string | null | undefined, input: Json): Json {
  if (resultPath === null) return input
  const match = /^\$\.(\w+)$/.exec(resultPath ?? '')
  if (match === null) throw new Error(`ResultPath ${resultPath} is not understood`)
  return { ...(input as object), [match[1] ?? '']: result }
}
