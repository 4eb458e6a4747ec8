/** The configuration that a run gets: `config/snapproof.example.yaml` explains every key. */
import { Aws } from 'aws-cdk-lib'
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
  readonly failOn?: 'error' | 'warning'
}

export function auditorConfig(
  repository: RepositoryProps,
  storage: Storage,
  settings: SettingsProps,
  timeoutMinutes: number,
  topicArn: string,
): Section {
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
    ...(settings.policy === undefined ? {} : { policy: settings.policy }),
    ...(settings.failOn === undefined ? {} : { failOn: settings.failOn }),
  }
}
