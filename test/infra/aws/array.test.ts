/** A night on many machines: its state machine is run as it stands in the template, by an interpreter. */
import { describe, expect, it, test } from 'vitest'
import { mostChildren, planName, sizeName } from '../../../infra/aws/lib/array-definition.ts'
import { arrayIndexVariable, variables } from '../../../infra/aws/lib/command.ts'
import { childVariable } from '../../../src/cli/arrayCommands.ts'
import { mostChildren as mostPlanned, type PlanSummary } from '../../../src/run/array/documents.ts'
import { ArrayFolder } from '../../../src/run/array/folder.ts'
import { memoryStore } from '../../support/memoryStore.ts'
import { type Execution, execute, type StateMachine, TaskError } from './state-machine.ts'
import { flat, plainTemplate, type Resource, resource, synth } from './templates.ts'

const template = plainTemplate('batch-ec2-array-nightly')
const machine = resource(template, 'AWS::StepFunctions::StateMachine').Properties

/** As CloudFormation puts it together. */
function definitionOf(properties: Resource['Properties']): StateMachine {
  const put = new Map<string, string>(
    Object.entries(properties.DefinitionSubstitutions).map(([name, value]) => [name, flat(value)]),
  )
  const text = JSON.stringify(properties.Definition).replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = put.get(name)
    if (value === undefined) throw new Error(`nothing is put in for ${whole}`)
    return value
  })
  return JSON.parse(text)
}
const definition = definitionOf(machine)

interface Submitted {
  readonly JobName: string
  readonly ArrayProperties?: { readonly Size: number }
  readonly ContainerOverrides: { readonly Environment: readonly { readonly Name: string; readonly Value: string }[] }
}

/** Runs a night; `outcome` of a command: the error that its job ends with. */
function night(children: number | null, outcome: Readonly<Record<string, string>> = {}) {
  const jobs: {
    command: string
    size: number | null
    plan: string | undefined
    children: string | undefined
    deadline: string | undefined
  }[] = []
  const read: string[] = []
  const execution: Execution = execute(definition, 'a1b2', (service, parameters) => {
    if (service === 'arn:aws:states:::aws-sdk:s3:getObject') {
      const { Bucket, Key } = parameters as { Bucket: string; Key: string }
      read.push(`s3://${Bucket}/${Key}`)
      if (children === null) throw new TaskError('S3.NoSuchKeyException')
      return { Body: JSON.stringify({ schemaVersion: 1, children, url: 'x' }), ETag: '"x"' }
    }
    expect(service).toBe('arn:aws:states:::batch:submitJob.sync')
    const submitted = parameters as Submitted
    const environment = new Map(submitted.ContainerOverrides.Environment.map(({ Name, Value }) => [Name, Value]))
    const command = environment.get(variables.command) ?? ''
    expect(submitted.JobName).toBe(`snapproof-<RepositoryName>-${command}`)
    jobs.push({
      command,
      size: submitted.ArrayProperties?.Size ?? null,
      plan: environment.get(variables.plan),
      children: environment.get(variables.children),
      deadline: environment.get(variables.deadline),
    })
    const error = outcome[command]
    if (error !== undefined) throw new TaskError(error)
    return { Status: 'SUCCEEDED' }
  })
  return { ...execution, jobs, read }
}
const steps = (run: ReturnType<typeof night>) => run.jobs.map(({ command, size }) => `${command} ${size ?? 'alone'}`)

describe('a night on many machines', () => {
  it('plans, works by an array as large as the plan says, and collects; all by one plan of its own', () => {
    const run = night(4)
    expect([run.status, steps(run)]).toEqual(['SUCCEEDED', ['plan alone', 'work 4', 'collect alone']])
    const [folder = ''] =
      /^s3:\/\/<AuditStorageLedger\w+>\/ledger\/<RepositoryName>\/arrays\/a1b2\//.exec(run.read[0] ?? '') ?? []
    expect(new Set(run.jobs.map(({ plan }) => plan))).toEqual(new Set([`${folder}plan.json`]))
    // The lease is held for 6 h and two waits, and for 6 h and one.
    expect(run.jobs[0]).toMatchObject({ children: '16', deadline: `${(8 + 7) * 3_600}s` })
  })

  test.each([
    [2, ['plan alone', 'work 2', 'collect alone']],
    [10_000, ['plan alone', 'work 10000', 'collect alone']],
    // Batch has no array of one.
    [1, ['plan alone', 'work alone', 'collect alone']],
    [0, ['plan alone', 'collect alone']],
  ])('of %i children takes the steps %j', (children, expected) => {
    const run = night(children)
    expect([run.status, steps(run)]).toEqual(['SUCCEEDED', expected])
  })

  test.each(['States.TaskFailed', 'States.Timeout'])('collects what there is after %s of the children', error => {
    for (const children of [1, 4]) {
      const run = night(children, { work: error })
      expect([run.status, run.path.at(-1)]).toEqual(['SUCCEEDED', 'Collect'])
    }
  })

  it('fails when it could not plan or not collect, and only then', () => {
    const never = night(4, { plan: 'States.TaskFailed', collect: 'States.TaskFailed' })
    expect(never).toMatchObject({ status: 'FAILED', path: ['Plan', 'Collect'] })
    // The plan was written, and its job was lost after that: it holds the lease.
    expect(night(4, { plan: 'States.TaskFailed' })).toMatchObject({ status: 'SUCCEEDED', path: ['Plan', 'Collect'] })
    expect(night(4, { collect: 'States.TaskFailed' })).toMatchObject({ status: 'FAILED' })
    expect(night(4, { work: 'States.TaskFailed', collect: 'States.Timeout' })).toMatchObject({ status: 'FAILED' })
  })

  it('leaves, collecting nothing, where another run holds the lease: then the job of the plan ends well without a plan', () => {
    expect(night(null)).toMatchObject({ status: 'SUCCEEDED', path: ['Plan', 'Size', 'AnotherRunIsAtWork'] })
  })

  it('waits for no step without end', () => {
    for (const state of Object.values(definition.States)) {
      if (state.Type === 'Task') expect(state.TimeoutSeconds).toBeGreaterThan(0)
      const { Timeout } = state.Parameters ?? {}
      // The job is stopped, and journals what it did, before its step gives up.
      if (Timeout !== undefined) expect(Timeout.AttemptDurationSeconds).toBeLessThan(state.TimeoutSeconds)
    }
  })

  it('reads what the program writes', async () => {
    const store = memoryStore(() => 0, 's3://bucket/ledger/production/arrays/a1b2')
    const folder = new ArrayFolder(store)
    const { signal } = new AbortController()
    await folder.writeSummary({ schemaVersion: 1, children: 7 } as PlanSummary, signal)
    expect([...store.objects.keys()]).toEqual([sizeName])
    expect(folder.url.endsWith(`/${planName}`)).toBe(true)
    const written = JSON.parse(String(store.objects.get(sizeName)?.bytes))
    expect(steps(night(written.children))).toContain('work 7')
    expect([childVariable, mostChildren]).toEqual([arrayIndexVariable, mostPlanned])
  })

  it('is understood, not skipped, by the interpreter that ran it here', () => {
    const wait: StateMachine = { StartAt: 'A', States: { A: { Type: 'Wait', Seconds: 1 } } }
    expect(() => execute(wait, 'x', () => null)).toThrow(/a Wait with/)
    const circle: StateMachine = { StartAt: 'A', States: { A: { Type: 'Choice', Choices: [], Default: 'A' } } }
    expect(() => execute(circle, 'x', () => null)).toThrow(/circles/)
  })
})

interface Statement {
  readonly Sid?: string
  /** None: `NotAction`. */
  readonly Action?: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}
const statements = (id: RegExp): Statement[] =>
  resource(template, 'AWS::IAM::Policy', id).Properties.PolicyDocument.Statement
const allowed = (id: RegExp) => statements(id).flatMap(({ Action }) => Action ?? [])

describe('its rights', () => {
  const role = /ArrayRoleDefaultPolicy/

  it('are to start and stop our jobs, and to read the size of an array', () => {
    const ofStatement = (action: string) => statements(role).find(({ Action }) => [Action].flat().includes(action))
    expect(
      allowed(role)
        .filter(action => !/^(?:logs|xray):/.test(action))
        .sort(),
    ).toEqual([
      'batch:DescribeJobs',
      'batch:SubmitJob',
      'batch:TerminateJob',
      'events:DescribeRule',
      'events:PutRule',
      'events:PutTargets',
      'kms:Decrypt',
      's3:GetObject',
      's3:ListBucket',
    ])
    const jobs = [ofStatement('batch:SubmitJob')?.Resource].flat().map(flat)
    expect(jobs).toEqual([expect.stringMatching(/Queue\w*\.JobQueueArn/), expect.stringMatching(/BatchJob\w+/)])
    expect(flat(ofStatement('s3:GetObject')?.Resource)).toMatch(
      /^<AuditStorageLedger\w+\.Arn>\/ledger\/<RepositoryName>\/arrays\/\*\/[\w.]+$/,
    )
    expect(JSON.stringify(ofStatement('s3:ListBucket')?.Condition)).toContain('/arrays/*')
    expect(ofStatement('kms:Decrypt')?.Condition).toEqual({
      StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' },
    })
  })

  it('of the schedule are to start it, and those of the auditor are no more than for one machine', () => {
    expect(allowed(/ScheduleRoleDefaultPolicy/)).toContain('states:StartExecution')
    expect(allowed(/ScheduleRoleDefaultPolicy/)).not.toContain('batch:SubmitJob')
    const alone = resource(plainTemplate('batch-ec2-spot-nightly'), 'AWS::IAM::Policy', /AuditorRoleDefaultPolicy/)
    const actions = alone.Properties.PolicyDocument.Statement.flatMap(({ Action }: Statement) => Action ?? [])
    expect(allowed(/AuditorRoleDefaultPolicy/)).toEqual(actions)
  })
})

describe('around it', () => {
  it('the schedule starts the state machine, an event one machine', () => {
    const { Target } = resource(template, 'AWS::Scheduler::Schedule').Properties
    expect(flat(Target.Arn)).toMatch(/^<AuditBatchArrayNight\w+\.Arn>$/)
    expect(Target.Input).toBe('{}')
    const both = synth({ eventPath: {}, compute: { kind: 'batch', children: 3 } })
    const rule = resource(both, 'AWS::Events::Rule', /NewSnapshot/).Properties.Targets[0]
    expect(flat(rule.Arn)).toMatch(/JobQueueArn/)
    const eventRole = resource(both, 'AWS::IAM::Policy', /EventRoleDefaultPolicy/).Properties.PolicyDocument
    expect(eventRole.Statement.map(({ Action }: Statement) => Action)).toEqual(['batch:SubmitJob'])
  })

  it('there are machines for all children at once', () => {
    for (const [on, vcpus] of [
      ['fargate', 32],
      ['ec2', 32],
    ] as const) {
      const stack = synth({ compute: { kind: 'batch', on, children: 8 } })
      expect(resource(stack, 'AWS::Batch::ComputeEnvironment').Properties.ComputeResources.MaxvCpus).toBe(vcpus)
    }
  })

  it('a night that fails is a failed execution, as a job that fails', () => {
    const { EventPattern } = resource(template, 'AWS::Events::Rule', /FailedJobs/).Properties
    expect(EventPattern.$or.map((one: { source: string[] }) => one.source)).toEqual([['aws.batch'], ['aws.states']])
    expect(EventPattern.$or[1].detail.status).toEqual(['FAILED', 'TIMED_OUT', 'ABORTED'])
    expect(flat(EventPattern.$or[1].detail.stateMachineArn[0])).toMatch(/ArrayNight/)
  })

  it('its log is complete and it is traced', () => {
    expect(machine.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: true })
    expect(machine.TracingConfiguration).toEqual({ Enabled: true })
  })

  it('the missed-run alarm waits for plan, children and collect', () => {
    const alarm = resource(template, 'AWS::CloudWatch::Alarm', /MissedRun/).Properties.Metrics
    const [{ MetricStat }] = alarm
    // A day; window 0.25, retries 2, plan 6 + 1 of waiting, children 6 + 2, collect 6 + 1: 24.25, rounded up.
    expect(MetricStat.Period).toBe((24 + 25) * 3_600)
  })

  it('first audit and doctor are commands that fit', () => {
    const outputs = Object.values(template.findOutputs('*')).map(({ Value }) => flat(Value))
    expect(outputs.some(value => /^aws stepfunctions start-execution .*ArrayNight/.test(value))).toBe(true)
    expect(outputs.some(value => /^aws batch submit-job .*AUDIT_COMMAND,value=doctor/.test(value))).toBe(true)
  })
})
