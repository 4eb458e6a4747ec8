/**
 * File, environment and flags → one frozen, validated value.
 *
 * Flags beat the environment, the environment beats the file. Everything that is wrong is said at once: file, line and
 * column, dotted path, the value got and the values allowed. Unknown keys and variables are errors.
 */
import { randomUUID } from 'node:crypto'
import { readFile as readFileFromDisk } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { describeError, SnapproofError } from '../errors.ts'
import type { AuditConfig, StoreConfig } from '../model/config.ts'
import { toBaselineConfig } from './baselines.ts'
import { crossChecks } from './checks.ts'
import { type ConfigDocument, parseConfigDocument } from './document.ts'
import { type Environment, type FlagValue, layer, valueAt } from './layers.ts'
import { knownKeys, leaves } from './leaves.ts'
import { isNotifySecret } from './notify.ts'
import { readPriceTable } from './prices.ts'
import { configurationError, didYouMean, dottedPath, gotAllowed, type Problem } from './problems.ts'
import { toOwnerRules } from './rules.ts'
import { configSchema, defaultLedgerFile, type ParsedConfig } from './schema.ts'
import { sealConfig } from './seal.ts'

export interface LoadOptions {
  readonly file: string
  readonly environment: Environment
  /** By dotted path, such as `limits.snapshots`; `undefined` is skipped, `null` or `none` empties. */
  readonly overrides?: Readonly<Record<string, FlagValue | undefined>>
  /** Where relative paths from environment and flags start; those of the file start at its folder. */
  readonly workingFolder?: string
  readonly readFile?: (path: string) => Promise<string>
}

/** Throws `SnapproofError` `configuration` with everything that is wrong, or when the file cannot be read. */
export async function loadConfig(options: LoadOptions): Promise<AuditConfig> {
  const { file, environment, overrides = {}, workingFolder = process.cwd() } = options
  const readFile = options.readFile ?? (path => readFileFromDisk(path, 'utf8'))
  let text: string
  try {
    text = await readFile(resolve(workingFolder, file))
  } catch (error) {
    throw new SnapproofError('configuration', `cannot read the configuration ${file}: ${describeError(error)}`, {
      advice: 'Name a file with --config or SNAPPROOF_CONFIG; config/snapproof.example.yaml is one to start from.',
      cause: error,
    })
  }
  const document = parseConfigDocument(file, text)
  if (document.problems.length > 0) throw configurationError(document.problems)
  return validate(document, environment, overrides, dirname(resolve(workingFolder, file)), workingFolder)
}

export interface UrlFlags {
  readonly region?: string | undefined
  readonly endpointUrl?: string | undefined
  readonly pathStyle?: boolean | undefined
  /** Without it nothing is remembered: the ledger lies in a folder of its own. */
  readonly ledgerFile?: string | undefined
  readonly environment?: Environment
  readonly overrides?: Readonly<Record<string, FlagValue | undefined>>
  readonly workingFolder?: string
  /** The system's. Work, output and ledger go into a new folder `snapproof-…` below it: `dirname(work.folder)`, the caller's to remove. */
  readonly temporaryFolder: string
}

/**
 * A configuration without any file, for commands that are given a URL: no ledger store, no metrics, the name made from
 * the URL. Throws `configuration` like `loadConfig`.
 */
export function configForUrl(url: string, flags: UrlFlags): AuditConfig {
  const workingFolder = flags.workingFolder ?? process.cwd()
  // Never one that another run used: what it left is not to be remembered.
  const own = resolve(flags.temporaryFolder, `snapproof-${randomUUID()}`)
  const value = {
    repository: { name: nameFromUrl(url), url },
    ledger: { sync: 'none', file: resolve(own, 'ledger.sqlite') },
    output: { folder: resolve(own, 'runs') },
    work: { folder: resolve(own, 'work') },
    engines: [{ name: 'elasticsearch', kind: 'maven', version: newestMavenVersion }],
    metrics: { enabled: false },
  }
  const place = { where: 'arguments', offset: 0 }
  const document = { value, problems: [], locate: () => place }
  const overrides = {
    'repository.region': flags.region,
    'repository.endpointUrl': flags.endpointUrl,
    'repository.pathStyle': flags.pathStyle,
    'ledger.file': flags.ledgerFile,
    ...flags.overrides,
  }
  return validate(document, flags.environment ?? {}, overrides, workingFolder, workingFolder)
}

/** What a URL alone is restored with; a configuration names its own. */
const newestMavenVersion = '9.5.3'

/** `s3://bucket/base/path` → `bucket-base-path`. */
function nameFromUrl(url: string): string {
  const name = url
    .replace(/^[a-z0-9]+:\/+/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
  return name.slice(0, 128) || 'repository'
}

function validate(
  document: ConfigDocument,
  environment: Environment,
  overrides: Readonly<Record<string, FlagValue | undefined>>,
  fileFolder: string,
  workingFolder: string,
): AuditConfig {
  const { value, origins, problems: unknown } = layer(document.value, environment, overrides, workingFolder)
  const problems: Problem[] = [...unknown]
  const silenced = new Set<string>()
  const report = (path: readonly PropertyKey[], what: 'key' | 'value', message: string) => {
    const dotted = dottedPath(path)
    const origin = origins.get(dotted)
    const place =
      origin === undefined ? document.locate(path, what) : { where: origin, offset: Number.MAX_SAFE_INTEGER }
    problems.push({ ...place, path: dotted, message })
  }
  for (const { path, what, message, instead } of crossChecks(value, fileFolder)) {
    report(path, what, message)
    if (instead === true) silenced.add(dottedPath(path))
  }
  const result = configSchema.safeParse(value)
  for (const issue of result.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const path = [...issue.path, key]
        if (!silenced.has(dottedPath(path))) report(path, 'key', unknownKey(issue.path, key))
      }
    } else if (!silenced.has(dottedPath(issue.path))) {
      const got = valueAt(value, issue.path)
      const isHidden = isNotifySecret(issue.path) && got !== undefined
      report(issue.path, 'value', gotAllowed(isHidden ? '[hidden]' : got, issue.message))
    }
  }
  if (!result.success || problems.length > 0) throw configurationError(problems)
  const config = toAuditConfig(result.data, fileFolder)
  const { compute, prices } = config.costs
  if (compute !== null && !Object.hasOwn(prices.compute, compute)) {
    report(['costs', 'compute'], 'value', gotAllowed(compute, Object.keys(prices.compute).join(', ')))
    throw configurationError(problems)
  }
  return deepFreeze(config)
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const keys = knownKeys(path)
  const near = didYouMean(key, keys)
  if (near !== null) return `no such key; did you mean ${near}?`
  const elsewhere = leaves.filter(leaf => leaf.keys.at(-1) === key).map(leaf => leaf.path)
  const hint = elsewhere.length === 0 ? '' : `; did you mean ${elsewhere.join(' or ')}?`
  return `no such key; allowed: ${keys.join(', ')}${hint}`
}

function toAuditConfig(parsed: ParsedConfig, folder: string): AuditConfig {
  const { repository, ledger, output, engines, policy, limits, costs, work, metrics, notify, seal, failOn } = parsed
  const days = (seconds: number) => seconds / 86_400
  return {
    repository: { name: repository.name, ...storeOf({ ...repository, url: repository.url }) },
    ledger: {
      store: ledger.url === null ? null : storeOf({ ...ledger, url: ledger.url }),
      file: resolve(folder, ledger.file ?? defaultLedgerFile(repository.name)),
      leaseSeconds: ledger.leaseSeconds,
    },
    output: {
      folder: resolve(folder, output.folder),
      store: output.url === null ? null : storeOf({ ...output, url: output.url }),
      keepEvidenceDays: output.keepEvidence,
    },
    engines: engines.map(engine => ({
      ...engine,
      home: engine.home === null ? null : resolve(folder, engine.home),
      // A bare name is looked for on the PATH.
      command:
        engine.command === null || !engine.command.includes('/') ? engine.command : resolve(folder, engine.command),
      authorizationFile: engine.authorizationFile === null ? null : resolve(folder, engine.authorizationFile),
    })),
    policy: {
      startMs: policy.start,
      restoreNewestWithinDays: days(policy.restore.newestWithin),
      restoreEveryContentWithinDays: days(policy.restore.everyContentWithin),
      restoreWholeWithinSeconds: policy.restore.wholeWithin,
      bytesWithinDays: days(policy.bytes.within),
      credit: policy.credit,
      sample: policy.sample,
      accepted: policy.accepted.map(({ until, ...entry }) => ({ ...entry, untilMs: until })),
    },
    // A bare name is looked for on the PATH.
    rules: toOwnerRules(parsed.rules, program => (program.includes('/') ? resolve(folder, program) : program)),
    baselines: toBaselineConfig(parsed.baselines),
    limits: {
      snapshots: limits.snapshots,
      restoreBytes: limits.restoreBytes,
      durationSeconds: limits.duration,
      costUsd: limits.costUsd,
    },
    costs: {
      prices: readPriceTable(costs.prices === null ? undefined : resolve(folder, costs.prices)),
      compute: costs.compute,
      transfer: costs.transfer,
      kms: costs.kms,
      store: repository.url.startsWith('s3:') ? 's3' : 'file',
    },
    work: { ...work, folder: resolve(folder, work.folder) },
    metrics,
    notify,
    seal: sealConfig(seal, storeOf, path => resolve(folder, path)),
    failOn,
  }
}

/** Without the slashes at the end, so that one place has one name. */
function storeOf({ url, region, endpointUrl, pathStyle }: StoreConfig): StoreConfig {
  const trimmed = url.replace(/\/+$/, '')
  return { url: trimmed === 'file:' ? 'file:///' : trimmed, region, endpointUrl, pathStyle }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
