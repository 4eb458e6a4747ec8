/**
 * 100 TiB and 50,000 snapshots on paper: caught up in a week, then kept up nightly. Quantities are worked out here from assumptions that are
 * printed beside them; prices, rates and the bill are the program's own. Pure, but for the price table.
 */
import { readPriceTable } from '../../src/config/prices.ts'
import type { CostConfig, Usage } from '../../src/model/cost.ts'
import { billOf } from '../../src/plan/cost.ts'
import { assumedRates } from '../../src/plan/forecast.ts'

const tebibyte = 1024 ** 4
const hour = 3_600

/** What is assumed of the repository. Nobody has measured one of this size. */
export const assumed = {
  snapshots: 50_000,
  /** Bytes of all data blobs, each once. */
  dataBytes: 100 * tebibyte,
  /** Mean of a data blob. */
  blobBytes: 25_000_000,
  indicesOfSnapshot: 40,
  shardsOfIndex: 1.5,
  /** Contents that a snapshot adds; 66 in 30 snapshots were measured on a made repository. */
  newContentsOfSnapshot: 2.2,
  /** Bytes of all contents by bytes of all blobs; 3.05 and 2.17 were measured on two made repositories. */
  contentsByBlobs: 3.5,
  /** Blobs that more than one machine or night fetches. */
  fetchedAgain: 1.25,
  /** Of one machine that only reads. */
  readBytesPerSecond: 100_000_000,
  /** Of a machine's time that is work: the rest is waiting, starting, the slowest child. */
  busy: 0.8,
  /** GET of metadata for a content that is planned and restored: its index and shard blobs, a few times. */
  metadataReadsOfContent: 8,
  /** Result, journal and evidence. */
  writesOfContent: 3,
  /** Looks at everything in a night on many machines: `plan` and `collect`. */
  looksOfNight: 2,
  nightsOfCatchUp: 7,
  /** Of a catch-up night, for the children. */
  hoursOfCatchUp: 20,
  snapshotsOfNight: 24,
  /** Policy: every content restored and every byte checked within. */
  restoreDays: 180,
  bytesDays: 90,
  machine: 'ec2-spot-c7i.2xlarge',
} as const

export interface Amount {
  readonly contents: number
  readonly restoreBytes: number
  readonly fetchBytes: number
  readonly list: number
  readonly get: number
  readonly put: number
  /** Of all machines together. */
  readonly machineHours: number
  readonly machines: number
  readonly usd: number
}

export function catchUp(costs: CostConfig = costsOf()): Amount {
  const { contents, blobs, metadata } = repositoryOf()
  const { nightsOfCatchUp, looksOfNight, hoursOfCatchUp } = assumed
  return amountOf(
    {
      contents,
      restoreBytes: assumed.dataBytes * assumed.contentsByBlobs,
      fetchBytes: assumed.dataBytes * assumed.fetchedAgain,
      blobs: blobs * assumed.fetchedAgain,
      // Each once in its life.
      metadata,
      looks: nightsOfCatchUp * looksOfNight,
      readBytes: 0,
    },
    nightsOfCatchUp * hoursOfCatchUp,
    costs,
  )
}

export function keepUp(costs: CostConfig = costsOf()): Amount {
  const { contents, blobs, metadata } = repositoryOf()
  const { restoreDays, bytesDays, snapshotsOfNight, newContentsOfSnapshot } = assumed
  const again = contents / restoreDays
  const restored = again + snapshotsOfNight * newContentsOfSnapshot
  const part = restored / contents
  const newMetadata = (metadata / assumed.snapshots) * snapshotsOfNight
  // What is restored within 180 days is read between two restores, too, where the policy wants its bytes within 90.
  const readBytes = assumed.dataBytes * Math.max(0, 1 / bytesDays - 1 / restoreDays)
  return amountOf(
    {
      contents: restored,
      restoreBytes: assumed.dataBytes * assumed.contentsByBlobs * part,
      fetchBytes: assumed.dataBytes * assumed.fetchedAgain * part + readBytes,
      blobs: blobs * assumed.fetchedAgain * part + readBytes / assumed.blobBytes,
      metadata: metadata / bytesDays + newMetadata,
      looks: assumed.looksOfNight,
      readBytes,
    },
    8,
    costs,
  )
}

function repositoryOf() {
  const { snapshots, indicesOfSnapshot, shardsOfIndex, newContentsOfSnapshot, dataBytes, blobBytes } = assumed
  // A shard's own blob in each snapshot, and two in the root.
  const metadata = snapshots * (indicesOfSnapshot * shardsOfIndex + 2)
  return { contents: snapshots * newContentsOfSnapshot, blobs: dataBytes / blobBytes, metadata }
}

interface Quantities {
  readonly contents: number
  readonly restoreBytes: number
  readonly fetchBytes: number
  readonly blobs: number
  readonly metadata: number
  readonly looks: number
  /** Of `fetchBytes`: read and not restored. */
  readonly readBytes: number
}

function amountOf(of: Quantities, hours: number, costs: CostConfig): Amount {
  const { blobs, metadata } = repositoryOf()
  const { bytesPerSecond, secondsPerContent } = assumedRates
  const restoring = of.restoreBytes / bytesPerSecond + of.contents * secondsPerContent
  const seconds = (restoring + of.readBytes / assumed.readBytesPerSecond) / assumed.busy
  const list = (of.looks * (blobs + metadata)) / 1000
  const get = of.blobs + of.metadata + of.contents * assumed.metadataReadsOfContent
  const put = of.contents * assumed.writesOfContent
  const usage: Usage = { list, put, reads: { STANDARD: { requests: get, bytes: of.fetchBytes } }, seconds }
  return {
    contents: of.contents,
    restoreBytes: of.restoreBytes,
    fetchBytes: of.fetchBytes,
    list,
    get,
    put,
    machineHours: seconds / hour,
    machines: Math.ceil(seconds / hour / hours),
    usd: billOf(usage, costs).usd,
  }
}

function costsOf(): CostConfig {
  return {
    prices: readPriceTable(),
    compute: assumed.machine,
    transfer: 'same-region',
    kms: 'bucket-key',
    store: 's3',
  }
}

/** The table of infra/README.md. */
export function largeTable(): string {
  const [first, nightly] = [catchUp(), keepUp()]
  const round = (value: number) => {
    const digits = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
    return (Math.round(value / digits) * digits).toLocaleString('en')
  }
  const tib = (bytes: number) => `${(bytes / tebibyte).toFixed(bytes < 10 * tebibyte ? 1 : 0)} TiB`
  const hours = (amount: Amount, of: number, nights: number) =>
    `${round(amount.machineHours)} h: ${amount.machines} machines for ${nights === 1 ? '' : `${nights} nights of `}${of} h`
  const rows: readonly (readonly [string, (amount: Amount) => string])[] = [
    ['contents restored', amount => round(amount.contents)],
    ['bytes restored', amount => tib(amount.restoreBytes)],
    ['bytes fetched', amount => tib(amount.fetchBytes)],
    ['LIST', amount => round(amount.list)],
    ['GET and HEAD', amount => round(amount.get)],
    ['PUT', amount => round(amount.put)],
    [
      'time of machines',
      amount =>
        amount === first ? hours(amount, assumed.hoursOfCatchUp, assumed.nightsOfCatchUp) : hours(amount, 8, 1),
    ],
    ['USD, by the price table', amount => round(amount.usd)],
  ]
  return [
    '| | catch-up, a week | then, each night |',
    '| --- | --- | --- |',
    ...rows.map(([name, cell]) => `| ${name} | ${cell(first)} | ${cell(nightly)} |`),
  ].join('\n')
}
