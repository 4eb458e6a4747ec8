/** The context keys of the app → props. */
import { Duration } from 'aws-cdk-lib'
import { requireNoProblems } from './problems.ts'
import type { SnapproofAuditProps } from './snapproof-audit.ts'

/** Key → what it says; in the order of infra/README.md. */
export const contextKeys = {
  repository: 'key of the ledger, dimension of the metrics',
  bucket: 'bucket with the snapshots',
  basePath: 'base_path of the repository; none: the root of the bucket',
  bucketAccount: 'account of the bucket, where it is another one',
  bucketKeyArn: 'KMS key of the objects, where there is one',
  image:
    'URI of the image, with a tag or digest; build: from the Dockerfile, which needs Docker and a bootstrapped account',
  email: 'addresses to notify, separated by commas',
  webhook: 'HTTPS endpoints to notify, separated by commas',
  compute: 'codebuild (default), fargate, ec2',
  children: 'most machines of one night, fargate and ec2 only; default 1',
  timeoutHours: 'time of one run, of many machines each; default 6',
  schedule: 'cron(…) or rate(…); default cron(0 1 * * ? *)',
  timeZone: 'IANA name; default UTC',
  newestSnapshotMaxAgeHours: 'age from which the newest snapshot is too old; default 36',
  restoreTargetMBps: 'restores slower than this are a ticket; none: no such alarm',
  events: 'true: also look as soon as a snapshot was taken',
} as const
export type ContextKey = keyof typeof contextKeys

/** @throws Error for what is missing or cannot be read; the rest is the construct's to judge */
export function contextProps(read: (key: ContextKey) => unknown): SnapproofAuditProps {
  const value = (key: ContextKey) => {
    const raw = read(key)
    return raw === undefined || raw === '' ? undefined : String(raw)
  }
  const required = ['repository', 'bucket', 'image'] as const
  const kind = value('compute') ?? 'codebuild'
  const hours = Number(value('timeoutHours') ?? '6')
  const numeric = ['children', 'timeoutHours', 'newestSnapshotMaxAgeHours', 'restoreTargetMBps'] as const
  requireNoProblems([
    ...numeric
      .filter(key => value(key) !== undefined && !(Number(value(key)) > 0))
      .map(key => `-c ${key}=${value(key)} is no number above 0`),
    ...required.filter(key => value(key) === undefined).map(key => `-c ${key}=… is missing: ${contextKeys[key]}`),
    ...(['codebuild', 'fargate', 'ec2'].includes(kind)
      ? []
      : [`-c compute=${kind}: allowed are codebuild, fargate, ec2`]),
    ...(kind === 'codebuild' && value('children') !== undefined ? ['-c children=… is for fargate and ec2'] : []),
  ])
  const optional = <K extends string>(name: K, text: string | undefined) =>
    (text === undefined ? {} : { [name]: text }) as Partial<Record<K, string>>
  const list = (key: ContextKey) =>
    (value(key) ?? '')
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '')
  const timeout = Duration.minutes(Math.round(hours * 60))
  return {
    repository: {
      name: value('repository') ?? '',
      bucketName: value('bucket') ?? '',
      ...optional('basePath', value('basePath')),
      ...optional('account', value('bucketAccount')),
      ...optional('kmsKeyArn', value('bucketKeyArn')),
    },
    image: value('image') === 'build' ? { build: {} } : { uri: value('image') ?? '' },
    compute:
      kind === 'codebuild'
        ? { kind: 'codebuild', timeout }
        : {
            kind: 'batch',
            on: kind === 'ec2' ? 'ec2' : 'fargate',
            timeout,
            ...(value('children') === undefined ? {} : { children: Number(value('children')) }),
          },
    schedule: { ...optional('expression', value('schedule')), ...optional('timeZone', value('timeZone')) },
    notifications: { emails: list('email'), webhooks: list('webhook') },
    ...(value('newestSnapshotMaxAgeHours') === undefined
      ? {}
      : { newestSnapshotMaxAge: Duration.minutes(Math.round(Number(value('newestSnapshotMaxAgeHours')) * 60)) }),
    ...(value('restoreTargetMBps') === undefined
      ? {}
      : { restoreTargetBytesPerSecond: Number(value('restoreTargetMBps')) * 1_000_000 }),
    ...(value('events') === 'true' ? { eventPath: {} } : {}),
  }
}
