/** The validated configuration as one frozen value. `config/` makes it from a file and the environment. */
import type { BaselineConfig } from './baseline.ts'
import type { CostConfig } from './cost.ts'
import type { OwnerRule } from './ownerRule.ts'
import type { Limits, Policy } from './policy.ts'

export interface StoreConfig {
  /** `s3://bucket/base/path` or `file:///path`. */
  readonly url: string
  readonly region: string | null
  /** For S3-compatible stores. */
  readonly endpointUrl: string | null
  /** Null: path style when `endpointUrl` is given. */
  readonly pathStyle: boolean | null
}

/** What signs: a private key in a file (absolute path, PEM), or a key of KMS. */
export type SealKeyConfig =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'kms'; readonly arn: string; readonly endpointUrl: string | null }

export interface SealConfig {
  /** The chain lies in it, one object for each run. */
  readonly store: StoreConfig
  readonly key: SealKeyConfig
  /** Object Lock of each new seal; null: what the bucket does by itself. */
  readonly retention: { readonly mode: 'governance' | 'compliance'; readonly seconds: number } | null
}

export interface EngineConfig {
  readonly name: string
  readonly kind: 'maven' | 'distribution' | 'container' | 'endpoint'
  readonly product: 'elasticsearch' | 'opensearch'
  /** `x.y.z`. */
  readonly version: string
  /** Folder with bin/elasticsearch; `distribution` only. */
  readonly home: string | null
  readonly heapMb: number
  /** These five: `container` only. Null: the official image of the version. */
  readonly image: string | null
  /** Null: docker, else podman. */
  readonly command: string | null
  readonly memoryMb: number | null
  /** Null: internal where that works. */
  readonly network: 'internal' | 'published' | null
  readonly readOnly: boolean
  /** These five: `endpoint` only. */
  readonly url: string | null
  readonly clusterName: string | null
  /** `work.folder` as the server sees it. */
  readonly repositoryFolder: string | null
  readonly authorizationFile: string | null
  readonly authorizationVariable: string | null
}

export interface NotifyConfig {
  /** Who is told lies with the alarms; `doctor` asks this topic whether anybody is. */
  readonly topicArn: string | null
  /** Of SNS. */
  readonly endpointUrl: string | null
  /** These addresses are secrets: they are sent to and never shown. Null: nobody. */
  readonly ping: { readonly url: string | null }
  readonly webhook: { readonly url: string | null; readonly headerVariable: string | null }
  readonly plainHttp: boolean
}

export interface AuditConfig {
  /** `name` is the key of the ledger and the CloudWatch dimension. */
  readonly repository: StoreConfig & { readonly name: string }
  readonly ledger: {
    /** Null: `sync: none`, the file alone remembers. */
    readonly store: StoreConfig | null
    /** Local working file. */
    readonly file: string
    readonly leaseSeconds: number
  }
  readonly output: {
    /** Gets one folder per run, unless `--out` names one. */
    readonly folder: string
    /** A copy goes here; null: nowhere. */
    readonly store: StoreConfig | null
    /** Folders of runs that are older are removed; null: never. */
    readonly keepEvidenceDays: number | null
  }
  /** At least one; in the order of the file. */
  readonly engines: readonly EngineConfig[]
  readonly policy: Policy
  /** In the order of the file. */
  readonly rules: readonly OwnerRule[]
  readonly baselines: BaselineConfig
  readonly limits: Limits
  readonly costs: CostConfig
  readonly work: {
    /** Mirror, engine data and temporary files lie below; emptied of what this run made. */
    readonly folder: string
    /** Requests to the repository in flight. */
    readonly requests: number
    /** Contents restored at once. */
    readonly contents: number
    /** Deadline of one restore: this, plus a second for each 5 MB. */
    readonly restoreTimeoutSeconds: number
    readonly engineStartSeconds: number
    /** Lucene's CheckIndex at the start of every restored shard. */
    readonly deep: boolean
    /** Starts of a fresh server to repeat what failed; beyond it `not-repeated`. */
    readonly freshStarts: number
    /** From where a server reads what it restores. */
    readonly source: 'mirror' | 's3' | 'auto'
    /** Bytes on the restored disk from which contents of an index are chained. */
    readonly chainFrom: number
    readonly maxMetadataBytes: number
  }
  readonly metrics: { readonly enabled: boolean; readonly region: string | null; readonly endpointUrl: string | null }
  readonly notify: NotifyConfig
  /** Null: runs are not sealed. */
  readonly seal: SealConfig | null
  readonly failOn: 'error' | 'warning'
}
