/**
 * What repositories of 1, 10 and 60 TiB cost: the program's own functions and price table on stated assumptions, as Markdown for
 * infra/README.md. Pure but for the price table.
 */
import { readPriceTable } from '../../src/config/prices.ts'
import { metrics } from '../../src/metrics/names.ts'
import { allReads, type BillLine, type CostConfig, type Usage } from '../../src/model/cost.ts'
import { billOf, computeHour, nothingUsed } from '../../src/plan/cost.ts'
import type { Rates } from '../../src/plan/forecast.ts'
import { forecastNight, usageOfGroup, usageOfOpening } from '../../src/plan/nightForecast.ts'
import { costRows, quantityText, usd } from '../../src/report/costLines.ts'
import { bytes, count, seconds } from '../../src/report/format.ts'
import { alarmTable } from '../aws/lib/alarm-table.ts'
import { heartbeatWindow } from '../aws/lib/heartbeat-window.ts'

const tebibyte = 2 ** 40

/** Everything that the examples assume; the tables say it again. */
export const assumptions = {
  /** Of stored data, on average. */
  blobBytes: 2 ** 20,
  /** Of stored data, one shard of one index each. */
  shardBytes: 30e9,
  /** Kept, one a day. */
  snapshots: 30,
  /** Of the indices that a day writes to; each must be restored anew. */
  writtenIndices: 0.02,
  /** Distinct contents by stored bytes: indices that were written to have several. */
  restoredByStored: 1.2,
  restoreDays: 180,
  /** Fetch and restore together. */
  bytesPerSecond: 100e6,
  secondsPerContent: 2,
  listPerSecond: 50,
  readsPerSecond: 400,
} as const

const rates: Rates = {
  bytesPerSecond: assumptions.bytesPerSecond,
  secondsPerContent: assumptions.secondsPerContent,
  engineStartSeconds: 20,
  basis: 'assumed',
}
const writesTo = { ledger: true, output: true, leaseSeconds: 120 }
const prices = readPriceTable()
const usual: CostConfig = {
  prices,
  compute: 'codebuild-large',
  transfer: 'same-region',
  kms: 'bucket-key',
  store: 's3',
}
const machines = [
  'codebuild-large',
  'fargate-4vcpu-16gb',
  'fargate-spot-4vcpu-16gb',
  'ec2-c7i.2xlarge',
  'ec2-spot-c7i.2xlarge',
]
const sizes = [1, 10, 60]
type StorageClass = 'STANDARD' | 'STANDARD_IA'

interface Shape {
  readonly stored: number
  readonly blobs: number
  readonly shards: number
  readonly metadata: number
}

function shapeOf(tib: number): Shape {
  const stored = tib * tebibyte
  const shards = Math.ceil(stored / assumptions.shardBytes)
  const blobs = Math.ceil(stored / assumptions.blobBytes)
  // Of each snapshot two root blobs and one of each shard; of each shard its generation, of each index its metadata.
  const metadata = assumptions.snapshots * (2 + shards) + 2 * shards
  return { stored, blobs, shards, metadata }
}

/** The look: all blobs are listed, `metadata` blobs of about 5 kB and an `index-N` of 400 bytes for each shard and snapshot are read. */
function lookOf({ blobs, shards, metadata: all }: Shape, metadata: number, name: StorageClass): Usage {
  const indexN = 400 * shards * assumptions.snapshots
  const list = Math.ceil((blobs + all) / 1000)
  return {
    list,
    put: 0,
    reads: { [name]: { requests: metadata + 1, bytes: metadata * 5_000 + indexN } },
    seconds: list / assumptions.listPerSecond + metadata / assumptions.readsPerSecond,
  }
}

function nightOf(
  shape: Shape,
  work: { metadata: number; contents: number; fetched: number; restored: number; read: number },
  name: StorageClass,
): Usage {
  const objects = (length: number) => Math.ceil(length / assumptions.blobBytes)
  const group = { contents: Array.from({ length: Math.ceil(work.contents) }), restoreBytes: work.restored }
  const fetched = { fetchBytes: work.fetched, fetchRequests: objects(work.fetched) }
  const size = { ...fetched, mirrorBytes: work.fetched, largestContentBytes: 0 }
  const usage = usageOfGroup(group as unknown as Parameters<typeof usageOfGroup>[0], size, {
    rates,
    writesTo,
    mix: new Map([[name, { requests: 1, bytes: 1 }]]),
    metadata: nothingUsed,
  })
  const due = { requests: objects(work.read), bytes: work.read }
  return forecastNight({
    look: lookOf(shape, work.metadata, name),
    opening: usageOfOpening(writesTo),
    rootBytes: 400 * shape.shards * assumptions.snapshots,
    bytes: { ...nothingUsed, reads: { [name]: due }, seconds: work.read / rates.bytesPerSecond },
    groups: [{ contents: group.contents.length, usage }],
    rates,
    writesTo,
    costs: usual,
    limitUsd: null,
  }).usage
}

/** Everything once, in as many nights as it takes. */
export function catchUp(tib: number, name: StorageClass = 'STANDARD'): Usage {
  const shape = shapeOf(tib)
  const { stored, shards, metadata } = shape
  const restored = stored * assumptions.restoredByStored
  const contents = shards * assumptions.restoredByStored
  return nightOf(shape, { metadata, contents, fetched: stored, restored, read: 0 }, name)
}

/** What a day adds, and a 180th of everything: restored once, and its bytes read once between two restores. */
export function steadyNight(tib: number, name: StorageClass = 'STANDARD'): Usage {
  const shape = shapeOf(tib)
  const { stored, shards } = shape
  const { writtenIndices, restoredByStored, restoreDays } = assumptions
  const part = writtenIndices + restoredByStored / restoreDays
  const written = Math.ceil(shards * writtenIndices)
  // The new snapshot's own blobs, and the generations of the shards that were written to.
  const metadata = 2 + shards + 2 * written
  const work = { contents: shards * part, fetched: stored * part, restored: stored * part, read: stored / restoreDays }
  return nightOf(shape, { metadata, ...work }, name)
}

/** Of 30 steady nights, each billed by itself. */
function monthUsd(tib: number, name: StorageClass, costs: CostConfig): number {
  return 30 * billOf(steadyNight(tib, name), costs).usd
}

/** What stands between the nights, with the arithmetic. */
export function standingMonth(): { readonly text: string; readonly usd: number } {
  const alarms = alarmTable({
    heartbeat: heartbeatWindow({ expression: 'cron(0 1 * * ? *)', timeZone: 'UTC', allowanceSeconds: 9.25 * 3600 }),
    compute: 'codebuild',
    newestSnapshotMaxAgeHours: 36,
    restoreTargetBytesPerSecond: null,
  }).length
  const { month } = prices
  const parts = [
    [Object.keys(metrics).length, 'metrics', month.metric.usd],
    [alarms, 'alarms', month.alarm.usd],
    [2, 'composite alarms', month.compositeAlarm.usd],
    [1, 'dashboard', month.dashboard.usd],
    [2, 'KMS keys', month.kmsKey.usd],
  ] as const
  const sum = parts.reduce((total, [quantity, , price]) => total + quantity * price, 0)
  const text = parts.map(([quantity, what, price]) => `${quantity} ${what} × ${price.toFixed(2)}`).join(' + ')
  return { text, usd: sum }
}

/** The generated part of the chapter. */
export function costExamples(): string {
  const standing = standingMonth()
  return [
    `Prices: \`config/prices.yaml\`, list prices of ${prices.region} as of ${prices.asOf}, in ${prices.currency}. Assumed, for every size:`,
    assumed(),
    'What it is in quantities:',
    quantities(),
    'First catch-up, in STANDARD, by CodeBuild: quantity × price = amount.',
    arithmetic(tib => catchUp(tib)),
    'A steady night, in STANDARD, by CodeBuild:',
    arithmetic(tib => steadyNight(tib)),
    'The same by storage class and machine. Every line is what the run pays; a month is 30 steady nights.',
    choices(),
    `What stands between the nights, whatever the size: ${standing.text} = **${standing.usd.toFixed(2)} USD a month**.`,
  ].join('\n\n')
}

function assumed(): string {
  const a = assumptions
  return [
    `- ${a.snapshots} daily snapshots; data blobs of ${bytes(a.blobBytes)}, shards of ${bytes(a.shardBytes)}, one shard an index.`,
    `- A day writes to ${percent(a.writtenIndices)} of the indices; their new contents are fetched and restored whole. All distinct contents together are ${a.restoredByStored} × the stored data.`,
    `- Policy as by default: every content again within ${a.restoreDays} days, so ${a.restoredByStored}/${a.restoreDays} a night; between two restores its bytes are read once.`,
    `- Fetch and restore together ${bytes(a.bytesPerSecond)}/s and ${a.secondsPerContent} s a content; ${a.listPerSecond} LIST/s, ${a.readsPerSecond} metadata reads/s. None of them was measured on AWS: \`plan\` takes the ledger’s own from the second night on.`,
    '- Bucket keys: KMS is asked once in 100 requests. Bucket and machine in one region, S3 gateway endpoint or CodeBuild without a VPC: transfer costs nothing.',
  ].join('\n')
}

function quantities(): string {
  return table(
    [
      'stored',
      'data blobs',
      'shards',
      'metadata blobs',
      'catch-up: requests',
      'read',
      'time of the machine',
      'steady night: requests',
      'read',
      'time',
    ],
    sizes.map(tib => {
      const shape = shapeOf(tib)
      const nights = [catchUp(tib), steadyNight(tib)].flatMap(usage => [
        count(usage.list + usage.put + allReads(usage).requests),
        bytes(allReads(usage).bytes),
        seconds(usage.seconds),
      ])
      return [`${tib} TiB`, count(shape.blobs), count(shape.shards), count(shape.metadata), ...nights]
    }),
  )
}

function arithmetic(usageOf: (tib: number) => Usage): string {
  const bills = sizes.map(tib => ({ usage: usageOf(tib), bill: billOf(usageOf(tib), usual) }))
  const [first] = bills
  const rows = costRows(first ?? null, null, usual).map(({ label }, i) => [
    label,
    ...bills.map(({ bill }) => productText(bill.lines[i])),
  ])
  return table(
    ['line', ...sizes.map(tib => `${tib} TiB`)],
    [...rows, ['**sum**', ...bills.map(({ bill }) => `**${usd(bill.usd)}**`)]],
  )
}

function productText(line: BillLine | undefined): string {
  if (line === undefined) return '–'
  const per = line.per > 1 ? ` / ${count(line.per)}` : ''
  return `${quantityText(line.quantity, line.unit)}${per} × ${line.usd ?? '?'} = ${usd(line.amount)}`
}

function choices(): string {
  const rows = machines.flatMap(compute =>
    (['STANDARD', 'STANDARD_IA'] as const).map(name => {
      const costs = { ...usual, compute }
      const hour = computeHour(costs) ?? 0
      const cells = sizes.flatMap(tib => [
        usd(billOf(catchUp(tib, name), costs).usd),
        usd(billOf(steadyNight(tib, name), costs).usd),
        usd(monthUsd(tib, name, costs)),
      ])
      return [`${compute}, ${hour.toFixed(3)} an hour`, name, ...cells]
    }),
  )
  const heads = sizes.flatMap(tib => [`${tib} TiB: catch-up`, 'night', 'month'])
  return table(['machine', 'class', ...heads], rows)
}

function percent(part: number): string {
  return `${part * 100} %`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
