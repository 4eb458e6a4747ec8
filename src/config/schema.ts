/**
 * The shape of the configuration file. Every leaf says what it is (`description`, for the JSON Schema and the README)
 * and what it allows (the text of its errors).
 */
import * as z from 'zod'
import { kmsUses, transferRoutes } from '../model/cost.ts'
import { type FindingCode, findingCodes } from '../model/finding.ts'
import { baselines } from './baselines.ts'
import { engine } from './engines.ts'
import { notifySection } from './notify.ts'
import { keepEvidence, rules } from './rules.ts'
import { sealSection } from './seal.ts'
import {
  bytes,
  controls,
  date,
  duration,
  endpointUrl,
  filePath,
  flag,
  oneOf,
  region,
  section,
  sentence,
  storeAccess,
  text,
  whole,
} from './shapes.ts'

const usdAllowed = 'an amount of USD above 0, at most 1000000, such as 2.50'
const storeUrlAllowed = 's3://bucket/base/path or file:///absolute/path'
const storeUrlPattern = new RegExp(
  `^(?:s3://[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9](?:/[^${controls}]*)?|file:///[^?#${controls}]*)$`,
)

const storeUrl = text(storeUrlAllowed, storeUrlPattern)
const findingCodeNames = Object.keys(findingCodes) as [FindingCode, ...FindingCode[]]

const accepted = section({
  code: oneOf(findingCodeNames).meta({ description: 'Code of the finding.' }),
  snapshot: sentence.default('*').meta({ description: 'Name of the snapshot, or * for every one.' }),
  index: sentence.default('*').meta({ description: 'Name of the index, or * for every one.' }),
  until: date({ endOfDay: true }).meta({ description: 'Last day (UTC) on which it is accepted; then it is reported.' }),
  reason: sentence.meta({ description: 'Why it is accepted.' }),
  approver: sentence.meta({ description: 'Who answers for it.' }),
})

export const configSchema = section({
  repository: section({
    name: text('a name of letters, digits, ".", "_", "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/).meta({
      description: 'Key of the ledger and the CloudWatch dimension Repository; keep it for ever.',
    }),
    url: storeUrl.meta({ description: `Where the snapshots are: ${storeUrlAllowed}.` }),
    ...storeAccess('the repository'),
  }),
  ledger: section({
    url: storeUrl
      .nullable()
      .default(null)
      .meta({ description: 'Where the ledger is kept between runs; outside the repository. This or sync: none.' }),
    sync: oneOf(['none']).optional().meta({ description: 'none: the local file alone remembers.' }),
    ...storeAccess('the ledger'),
    file: filePath.nullable().default(null).meta({
      description: 'Local working file of the ledger, of this repository alone; none: .snapproof/NAME.sqlite.',
    }),
    leaseSeconds: duration('10s')
      .prefault('2m')
      .meta({ description: 'A run that did not renew its lease for so long is taken for dead.' }),
  }).prefault({}),
  output: section({
    folder: filePath
      .default('.snapproof/runs')
      .meta({ description: 'Gets one folder per run with run.json and report.html.' }),
    url: storeUrl
      .nullable()
      .default(null)
      .meta({ description: 'A copy of each run goes here; outside the repository.' }),
    ...storeAccess('the output'),
    keepEvidence,
  }).prefault({}),
  engines: z
    .array(engine, { error: 'a list of at least one engine' })
    .min(1, { error: 'a list of at least one engine' })
    .meta({ description: 'Throwaway servers, the preferred first.' }),
  policy: section({
    start: date()
      .nullable()
      .default(null)
      .meta({ description: 'From when the deadlines below count; none: from the first run that the ledger knows.' }),
    restore: section({
      newestWithin: duration('1h')
        .prefault('7d')
        .meta({ description: 'The newest snapshot of each index is restored within this time of its appearing.' }),
      everyContentWithin: duration('1h')
        .prefault('180d')
        .meta({ description: 'Every content is restored again within this time.' }),
      wholeWithin: duration('1s').nullable().default(null).meta({
        description:
          'What the restore of a whole snapshot may take, such as 4h: reports hold their forecast against it; none: nothing is compared.',
      }),
    }).prefault({}),
    bytes: section({
      within: duration('1h')
        .prefault('90d')
        .meta({ description: 'Every byte of every blob is checked within this time.' }),
    }).prefault({}),
    credit: oneOf(['shared', 'strict']).default('shared').meta({
      description:
        'shared: a content restored from one snapshot counts for others that hold the same. strict: it does not.',
    }),
    sample: section({
      contents: whole(1, 100_000).nullable().default(null).meta({
        description:
          'So many contents are drawn at random in each run and restored, whatever was proven before; the report says what that says of all. None: no draw.',
      }),
      confidence: whole(50, 99, 'percent').default(95).meta({ description: 'How sure the statement is.' }),
    }).prefault({}),
    accepted: z
      .array(accepted, { error: 'a list of accepted findings' })
      .default([])
      .meta({ description: 'Findings that somebody answers for: shown, not paged, expire loudly.' }),
  }).prefault({}),
  rules,
  baselines,
  limits: section({
    snapshots: whole(1, 1_000_000)
      .nullable()
      .default(null)
      .meta({ description: 'Snapshots restored in one run; none: all.' }),
    restoreBytes: bytes(1)
      .nullable()
      .default(null)
      .meta({ description: 'Bytes restored in one run, and at most as many read besides; none: no limit.' }),
    duration: duration('60s').nullable().default(null).meta({ description: 'Time of one run; none: no limit.' }),
    costUsd: z
      .number({ error: usdAllowed })
      .positive({ error: usdAllowed })
      .max(1_000_000, { error: usdAllowed })
      .nullable()
      .default(null)
      .meta({
        description:
          'Money of one run in USD, by what was measured and the prices below: nothing new is begun that would exceed it; none: no limit.',
      }),
  }).prefault({}),
  costs: section({
    prices: filePath.nullable().default(null).meta({
      description: 'Price table; none: config/prices.yaml of the program, dated list prices of us-east-1. Check them.',
    }),
    compute: text('a name of letters, digits, ".", "_", "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
      .nullable()
      .default(null)
      .meta({
        description:
          'The machine that the run pays for, such as codebuild-large: a name below compute in the price table; none: its time is not counted.',
      }),
    transfer: oneOf(transferRoutes)
      .default('same-region')
      .meta({ description: 'How the bytes reach the machine; same-region costs nothing.' }),
    kms: oneOf(kmsUses).default('bucket-key').meta({
      description:
        'How often the KMS key of the objects is asked: never, about once in 100 requests with bucket keys (assumed), or every time.',
    }),
  }).prefault({}),
  work: section({
    folder: filePath.default('.snapproof/work').meta({ description: 'Mirror, engine data and temporary files.' }),
    requests: whole(1, 512).default(32).meta({ description: 'Requests to the repository in flight.' }),
    contents: whole(1, 64).default(2).meta({ description: 'Contents restored at once.' }),
    restoreTimeoutSeconds: duration('1s')
      .prefault('10m')
      .meta({ description: 'Deadline of one restore; large contents get more.' }),
    engineStartSeconds: duration('1s').prefault('3m').meta({ description: 'Deadline of the start of an engine.' }),
    deep: flag.default(false).meta({
      description:
        'Run Lucene’s CheckIndex on every restored shard: it reads all that is in the files and finds what has good checksums and is wrong; a restore takes several times as long. Elasticsearch 9 and OpenSearch 3 compare checksums only; the evidence says which.',
    }),
    freshStarts: whole(0, 100)
      .default(3)
      .meta({ description: 'Starts of a fresh server to repeat what failed, before anybody is accused.' }),
    source: oneOf(['mirror', 's3', 'auto']).default('mirror').meta({
      description:
        'mirror: blobs are fetched, checked and restored from the disk. s3: the server reads the bucket itself, with its repository-s3. auto: s3 where the mirror does not fit.',
    }),
    chainFrom: bytes(65_536).prefault('1GiB').meta({
      description:
        'Contents of an index from this size on are restored one over the other, so that a server copies only what differs.',
    }),
    maxMetadataBytes: bytes(65_536)
      .prefault('256MiB')
      .meta({ description: 'A single metadata blob beyond this is not read.' }),
  }).prefault({}),
  metrics: section({
    enabled: flag.default(true).meta({ description: 'Put metrics and the heartbeat to CloudWatch.' }),
    region: region.meta({ description: 'Region of CloudWatch; none: what the SDK finds.' }),
    endpointUrl: endpointUrl.meta({ description: 'Another endpoint than CloudWatch’s own.' }),
  }).prefault({}),
  notify: notifySection,
  seal: sealSection(storeUrl),
  failOn: oneOf(['error', 'warning'])
    .default('error')
    .meta({ description: 'Severity of a finding from which a run exits with 1.' }),
})
export type ParsedConfig = z.output<typeof configSchema>

/** Where the ledger's working file lies when nothing is said. */
export function defaultLedgerFile(repositoryName: string): string {
  return `.snapproof/${repositoryName}.sqlite`
}

/** Relative paths in these leaves are resolved against the folder of the file. */
export const pathLeaves = ['ledger.file', 'output.folder', 'work.folder', 'costs.prices', 'seal.keyFile'] as const

/** JSON Schema of the file, for editors; what `config/snapproof.schema.json` holds. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' })
  return { ...schema, title: 'Configuration of Snapproof' }
}
