/**
 * A night on many machines in the Amazon States Language: plan → array of children → collect, always. Pure; what is in
 * `${…}` CloudFormation puts in (`DefinitionSubstitutions`).
 *
 * How the size of the array gets here: the plan's job leaves a small object beside the plan, which is read by
 * `s3:getObject`. That needs the right to read below one prefix. A task token would need `states:SendTaskSuccess` on
 * everything in the role that reads the repository; the plan itself is too long for the 256 KiB that a state may hold.
 */
import { type Command, variables } from './command.ts'

export const substitutions = ['JobName', 'JobQueue', 'JobDefinition', 'Bucket', 'Prefix', 'Children'] as const
export type Substitution = (typeof substitutions)[number]

/** Seconds of a job, and of the step around it, which also waits for a machine. */
export interface StepTime {
  readonly jobSeconds: number
  readonly stepSeconds: number
}
export type ArrayTimes = Readonly<Record<'plan' | 'work' | 'collect', StepTime>>

/** In the folder of an array, `PREFIX/EXECUTION/`. Both are written by `plan`. */
export const planName = 'plan.json'
export const sizeName = 'children.json'
/** An array has 2 to 10,000 children (API reference of AWS Batch, ArrayProperties). */
export const mostChildren = 10_000

type Json = Readonly<Record<string, unknown>>
export interface Definition {
  readonly StartAt: string
  readonly States: Readonly<Record<string, Json>>
}

const put = (name: Substitution) => `\${${name}}`
/** The name of an execution is given once, and Scheduler makes one of letters, digits and dashes. */
const ofExecution = (text: string) => `States.Format('${text}', $$.Execution.Name)`

/** `partition`: that of the region, such as `aws`; a service integration is not named by a pseudo parameter. */
export function arrayDefinition(times: ArrayTimes, partition: string): Definition {
  const collectAnyway = [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Collect' }]
  const arrayOf = { ArrayProperties: { 'Size.$': '$.plan.size.children' } }
  // The lease is left to the plan until everything after it has ended, come what may.
  const deadline = `${times.work.stepSeconds + times.collect.stepSeconds}s`
  const onlyPlan = [
    { Name: variables.children, Value: put('Children') },
    { Name: variables.deadline, Value: deadline },
  ]
  return {
    StartAt: 'Plan',
    States: {
      // A plan that was written before its job was lost holds the lease; where there is none, collecting fails the execution.
      Plan: { ...job('plan', times.plan, partition, {}, onlyPlan), Catch: collectAnyway, Next: 'Size' },
      Size: {
        Type: 'Task',
        Resource: `arn:${partition}:states:::aws-sdk:s3:getObject`,
        TimeoutSeconds: 60,
        Parameters: { Bucket: put('Bucket'), 'Key.$': ofExecution(`${put('Prefix')}{}/${sizeName}`) },
        ResultSelector: { 'size.$': 'States.StringToJson($.Body)' },
        ResultPath: '$.plan',
        // Three times, each after twice the pause: the defaults.
        Retry: [{ ErrorEquals: ['States.Timeout', 'S3.S3Exception'], IntervalSeconds: 5 }],
        // The job ended well and left no plan: another run holds the lease.
        Catch: [
          { ErrorEquals: ['S3.NoSuchKeyException'], ResultPath: null, Next: 'AnotherRunIsAtWork' },
          ...collectAnyway,
        ],
        Next: 'HowMany',
      },
      HowMany: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.plan.size.children', NumericGreaterThanEquals: 2, Next: 'Array' },
          { Variable: '$.plan.size.children', NumericEquals: 1, Next: 'OneChild' },
        ],
        // Nothing is owed that can be restored: report and heartbeat are due all the same.
        Default: 'Collect',
      },
      // A child that is lost is debt, which `collect` tells.
      Array: { ...job('work', times.work, partition, arrayOf), Catch: collectAnyway, Next: 'Collect' },
      OneChild: { ...job('work', times.work, partition), Catch: collectAnyway, Next: 'Collect' },
      Collect: { ...job('collect', times.collect, partition), End: true },
      AnotherRunIsAtWork: { Type: 'Succeed' },
    },
  }
}

function job(
  command: Command,
  { jobSeconds, stepSeconds }: StepTime,
  partition: string,
  more: Json = {},
  environment: readonly Json[] = [],
): Json {
  return {
    Type: 'Task',
    Resource: `arn:${partition}:states:::batch:submitJob.sync`,
    TimeoutSeconds: stepSeconds,
    Parameters: {
      JobName: `${put('JobName')}-${command}`,
      JobQueue: put('JobQueue'),
      JobDefinition: put('JobDefinition'),
      Timeout: { AttemptDurationSeconds: jobSeconds },
      ContainerOverrides: {
        Environment: [
          { Name: variables.command, Value: command },
          ...environment,
          {
            Name: variables.plan,
            'Value.$': ofExecution(`s3://${put('Bucket')}/${put('Prefix')}{}/${planName}`),
          },
        ],
      },
      ...more,
    },
    // What a job has to say lies in S3.
    ResultPath: null,
  }
}
