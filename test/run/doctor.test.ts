/** Doctor and a store that refuses, with the answers that S3 gives. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Fault, FaultHook } from '../../infra/local/s3/faults.ts'
import { configForUrl } from '../../src/config/load.ts'
import type { AuditConfig } from '../../src/model/config.ts'
import { type Diagnosis, type DoctorDependencies, diagnose } from '../../src/run/doctor.ts'
import { systemClock } from '../../src/time.ts'
import { type S3Lab, startLab } from '../blobs/support.ts'

const fixture = join(import.meta.dirname, '../fixtures/repositories/es-9.5/repository')
let lab: S3Lab
let config: AuditConfig

beforeAll(async () => {
  lab = await startLab({ readOnly: ['bucket/base/'] })
  await cp(fixture, join(lab.root, 'bucket', 'base'), { recursive: true })
  config = { ...configForUrl('s3://bucket/base', { temporaryFolder: lab.root }), engines: [] }
})
afterEach(() => {
  lab.hook = undefined
})
afterAll(() => lab.close())

async function ask(dependencies: Partial<DoctorDependencies> = {}): Promise<(check: RegExp) => Diagnosis> {
  const diagnoses = await diagnose({
    config,
    repository: lab.store(),
    ledger: lab.store({ basePath: 'ledger' }),
    output: lab.store({ basePath: 'reports' }),
    seals: null,
    rememberedSeal: async () => null,
    putProbe: null,
    askTopic: null,
    selfCheck: async () => ({ planted: 1, found: 1, seconds: 0, missed: [] }),
    recentRuns: async () => [],
    environment: {},
    clock: systemClock,
    nodeVersion: 'v20.19.0',
    randomId: () => 'random',
    freeBytes: async () => 10,
    plannedDiskBytes: async () => 1,
    signal: new AbortController().signal,
    ...dependencies,
  })
  return check => {
    const found = diagnoses.find(one => check.test(one.check))
    if (found === undefined) throw new Error(`${check} is none of ${diagnoses.map(one => one.check).join(', ')}`)
    return found
  }
}

const key = 'arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d'
const deniedKey = (action: string): Fault => ({
  kind: 'error',
  status: 403,
  code: 'AccessDenied',
  message: `User: arn:aws:sts::111122223333:assumed-role/auditor/run is not authorized to perform: ${action} on resource: ${key} because no identity-based policy allows the ${action} action`,
})
const only =
  (fault: Fault, method: string, below: string): FaultHook =>
  request =>
    request.method === method && request.key.startsWith(below) ? fault : undefined

describe('doctor', () => {
  it('has nothing to say against what is in place', async () => {
    const about = await ask()
    for (const check of [/listed and read/, /old and new/, /cannot be written/, /ledger/, /reports/, /disk/]) {
      expect(about(check)).toMatchObject({ outcome: 'good' })
    }
    expect(about(/old and new/).message).toContain('under no key of KMS')
    expect(about(/metrics/).message).toContain('switched off')
  })

  it.each([
    ['repository', 'base/', /listed and read/],
    ['ledger', 'ledger/', /ledger/],
  ])('names the region of the bucket of the %s', async (_, below, check) => {
    const headers = { 'x-amz-bucket-region': 'eu-west-3' }
    const redirect: Fault = { kind: 'error', status: 301, code: 'PermanentRedirect', headers }
    // A listing names no key.
    lab.hook = request =>
      request.key.startsWith(below) || (request.key === '' && below === 'base/') ? redirect : undefined
    expect((await ask())(check)).toMatchObject({ outcome: 'bad', advice: expect.stringContaining('region eu-west-3') })
  })

  it('names the key that refuses to decrypt old objects, though new ones can be read', async () => {
    lab.hook = only(deniedKey('kms:Decrypt'), 'GET', 'base/snap-')
    const about = await ask()
    expect(about(/listed and read/).outcome).toBe('good')
    expect(about(/old and new/)).toMatchObject({
      outcome: 'bad',
      advice: expect.stringContaining(`${key} not: allow kms:Decrypt`),
    })
    const disabled: Fault = {
      kind: 'error',
      status: 400,
      code: 'KMS.DisabledException',
      message: `${key} is disabled.`,
    }
    lab.hook = only(disabled, 'GET', 'base/index-')
    const now = await ask()
    expect(now(/listed and read/)).toMatchObject({ outcome: 'bad', advice: expect.stringContaining('enable-key') })
    expect(now(/old and new/).outcome).toBe('not-proven')
  })

  it('leaves a root blob that is not there to the check', async () => {
    lab.hook = only({ kind: 'error', status: 404, code: 'NoSuchKey' }, 'GET', 'base/snap-')
    expect((await ask())(/old and new/)).toMatchObject({
      outcome: 'not-proven',
      message: expect.stringContaining('check'),
    })
  })

  it('names the key that the ledger and the reports are encrypted under', async () => {
    lab.hook = only(deniedKey('kms:GenerateDataKey'), 'PUT', 'ledger/')
    expect((await ask())(/ledger/)).toMatchObject({
      outcome: 'bad',
      advice: expect.stringContaining(`${key} not: allow kms:GenerateDataKey`),
    })
    lab.hook = only(deniedKey('kms:GenerateDataKey'), 'PUT', 'reports/')
    expect((await ask())(/reports/)).toMatchObject({
      outcome: 'bad',
      advice: expect.stringContaining('kms:GenerateDataKey'),
    })
    lab.hook = only({ kind: 'error', status: 503, code: 'SlowDown' }, 'PUT', 'reports/')
    const output = lab.store({ basePath: 'reports', giveUpAfterMs: 50 })
    expect((await ask({ output }))(/reports/)).toMatchObject({ outcome: 'not-proven' })
  })

  it('says what CloudWatch and SNS said', async () => {
    const about = await ask({
      config: { ...config, notify: { ...config.notify, topicArn: 'arn:aws:sns:eu-central-1:1:t' } },
      putProbe: async () => {
        throw new Error('not allowed')
      },
      askTopic: async () => ({
        kind: 'subscriptions',
        subscriptions: [{ protocol: 'email', endpoint: 'a@b.c', confirmed: false }],
      }),
    })
    expect(about(/metrics/)).toMatchObject({ outcome: 'bad', message: 'not allowed' })
    expect(about(/hears/)).toMatchObject({ outcome: 'bad', message: 'nobody has confirmed: email a@b.c' })
    expect(about(/runs as planned/)).toMatchObject({ outcome: 'not-proven' })
  })
})
