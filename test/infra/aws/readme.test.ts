/** infra/README.md says what the code does. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { contextKeys, contextProps } from '../../../infra/aws/lib/context.ts'
import { withGeneratedParts } from '../../../infra/aws/lib/readme.ts'

const readme = readFileSync('infra/README.md', 'utf8')

test('the generated parts are up to date; tsx infra/aws/bin/docs.ts writes them', () => {
  expect(withGeneratedParts(readme)).toBe(readme)
})

test('a missing marker is said', () => {
  expect(() => withGeneratedParts('# On AWS')).toThrow(/lacks <!-- infra:runbook -->/)
})

test('the command that deploys has all settings that are needed, and no other', () => {
  const command = /npx cdk deploy (?<settings>.*\n.*)/.exec(readme)?.groups?.settings ?? ''
  const settings = Object.fromEntries([...command.matchAll(/-c (\w+)=(\S+)/g)].map(([, key, value]) => [key, value]))
  expect(Object.keys(settings).filter(key => !Object.hasOwn(contextKeys, key))).toEqual([])
  expect(contextProps(key => settings[key])).toMatchObject({
    repository: { name: 'production', bucketName: 'YOUR-BUCKET', basePath: 'BASE/PATH' },
    compute: { kind: 'codebuild' },
    notifications: { emails: ['oncall@example.com'] },
  })
})

test.each([
  [{}, /-c repository=… is missing.*-c bucket=… is missing.*-c image=… is missing/s],
  [{ compute: 'lambda' }, /allowed are codebuild, fargate, ec2/],
  [{ timeoutHours: 'long' }, /timeoutHours=long is no number/],
])('settings %o are refused', (settings: Record<string, string>, fault) => {
  expect(() => contextProps(key => settings[key])).toThrow(fault)
})

test('all settings arrive', () => {
  const settings: Record<string, string> = {
    repository: 'r',
    bucket: 'b',
    image: 'i:1',
    bucketAccount: '444455556666',
    bucketKeyArn: 'arn',
    compute: 'ec2',
    timeoutHours: '1.5',
    schedule: 'rate(1 day)',
    timeZone: 'Europe/Berlin',
    events: 'true',
    newestSnapshotMaxAgeHours: '48',
    restoreTargetMBps: '80',
    webhook: 'https://a, https://b',
  }
  const props = contextProps(key => settings[key])
  expect(props).toMatchObject({
    repository: { account: '444455556666', kmsKeyArn: 'arn' },
    compute: { kind: 'batch', on: 'ec2' },
    schedule: { expression: 'rate(1 day)', timeZone: 'Europe/Berlin' },
    eventPath: {},
    restoreTargetBytesPerSecond: 80_000_000,
    notifications: { webhooks: ['https://a', 'https://b'] },
  })
  expect(props.newestSnapshotMaxAge?.toHours()).toBe(48)
  expect(props.compute?.timeout?.toMinutes()).toBe(90)
})
