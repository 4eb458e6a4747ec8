/** The configuration that a run gets: `config/snapproof.example.yaml` explains every key. */
import { Aws } from 'aws-cdk-lib'
import { ComputeType } from 'aws-cdk-lib/aws-codebuild'
import type { BatchProps } from './batch.ts'
import { type CodeBuildProps, defaultTimeout } from './codebuild.ts'
import { workFolder } from './command.ts'
import { type RepositoryProps, repositoryUrl } from './repository.ts'
import type { Storage } from './storage.ts'

/** A section of the configuration file, checked by the program at its start. */
export type Section = Readonly<Record<string, unknown>>

export interface SettingsProps {
  /** @default one distribution of Elasticsearch 9.5.3 in /usr/share/elasticsearch, where its official image has it */
  readonly engines?: readonly Section[]
  /** @default the program's own */
  readonly policy?: Section
  /** @default a duration of half an hour less than the timeout of the compute, so that a run ends by itself */
  readonly limits?: Section
  readonly work?: Section
  /** @default `compute` of the price table, where the machine is one of it; else the run's bill is without its time */
  readonly costs?: Section
  readonly failOn?: 'error' | 'warning'
}

/** Its name in `config/prices.yaml`; null: Batch chooses the machine, or the table does not have it. */
function pricedMachine(compute: CodeBuildProps | BatchProps): string | null {
  if (compute.kind === 'codebuild') {
    const type = compute.computeType ?? ComputeType.LARGE
    return codeBuildMachines.get(type) ?? null
  }
  const isDefaultSize = (compute.vcpus ?? 4) === 4 && (compute.memory?.toGibibytes() ?? 16) === 16
  if (compute.on === 'ec2' || !isDefaultSize) return null
  return compute.spot === true ? 'fargate-spot-4vcpu-16gb' : 'fargate-4vcpu-16gb'
}

const codeBuildMachines = new Map([
  [ComputeType.SMALL, 'codebuild-small'],
  [ComputeType.MEDIUM, 'codebuild-medium'],
  [ComputeType.LARGE, 'codebuild-large'],
])

export function auditorConfig(
  repository: RepositoryProps,
  storage: Storage,
  settings: SettingsProps,
  compute: CodeBuildProps | BatchProps,
  topicArn: string,
): Section {
  const timeoutMinutes = (compute.timeout ?? defaultTimeout).toMinutes()
  const machine = pricedMachine(compute)
  const bucket = storage.ledgerBucket.bucketName
  const url = (prefix: string) => `s3://${bucket}/${prefix.replace(/\/$/, '')}`
  const region = Aws.REGION
  return {
    repository: { name: repository.name, url: repositoryUrl(repository), region },
    ledger: { url: url(storage.prefixes.ledger), region, file: `${workFolder}/ledger.sqlite` },
    output: { folder: `${workFolder}/runs`, url: url(storage.prefixes.reports), region },
    engines: settings.engines ?? [
      { name: 'elasticsearch', kind: 'distribution', version: '9.5.3', home: '/usr/share/elasticsearch' },
    ],
    limits: { duration: `${Math.max(5, timeoutMinutes - 30)}m`, ...settings.limits },
    work: { folder: `${workFolder}/work`, ...settings.work },
    metrics: { enabled: true, region },
    notify: { topicArn },
    seal: {
      url: `s3://${storage.sealBucket.bucketName}/${storage.sealPrefix.replace(/\/$/, '')}`,
      region,
      kmsKey: storage.sealKey.keyArn,
    },
    ...(settings.costs === undefined && machine === null ? {} : { costs: settings.costs ?? { compute: machine } }),
    ...(settings.policy === undefined ? {} : { policy: settings.policy }),
    ...(settings.failOn === undefined ? {} : { failOn: settings.failOn }),
  }
}
