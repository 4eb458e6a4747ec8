/** The arithmetic for 100 TiB, done again by hand, and the assumptions that infra/README.md names. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { assumed, catchUp, keepUp } from '../../infra/local/large-repository.ts'
import { assumedRates } from '../../src/plan/forecast.ts'

test('the catch-up', () => {
  const { contents, restoreBytes, list, get, put, machineHours, machines, usd } = catchUp()
  expect(contents).toBeCloseTo(110_000)
  expect(restoreBytes / 1024 ** 4).toBeCloseTo(350)
  // 4,398,047 data blobs and 3,100,000 metadata blobs, looked at twice in seven nights.
  expect(list).toBeCloseTo((14 * (4_398_046.5 + 3_100_000)) / 1000, 0)
  expect(get).toBeCloseTo(4_398_046.5 * 1.25 + 3_100_000 + 880_000, -1)
  expect(put).toBeCloseTo(330_000)
  // 384.8 TB at 30 MB/s and 110,000 s, in 80 % of the time.
  expect(machineHours).toBeCloseTo((384_829_069.72 / 30 + 110_000) / 0.8 / 3600, 0)
  expect(machines).toBe(Math.ceil(machineHours / 140))
  // Of that 0.005 and 0.0004 a thousand requests, KMS once in a hundred, and 0.21 an hour of spot machines with 500 GB of disk.
  const byHand =
    (list + put) * 5e-6 + get * 4e-7 + ((get + put) / 100) * 3e-6 + machineHours * (0.15 + 500 * 0.00011 + 0.005)
  expect(usd).toBeCloseTo(byHand, 0)
})

test('a night after it', () => {
  const { contents, restoreBytes, fetchBytes, machineHours, machines } = keepUp()
  expect(contents).toBeCloseTo(110_000 / 180 + 24 * 2.2)
  expect(restoreBytes / 1024 ** 4).toBeCloseTo((350 * 663.91) / 110_000, 2)
  expect(fetchBytes / 1024 ** 4).toBeCloseTo((125 * 663.91) / 110_000 + 100 / 180, 2)
  expect(machines).toBe(Math.ceil(machineHours / 8))
})

test('the assumptions are those that the page names', () => {
  const page = readFileSync('infra/README.md', 'utf8')
  const rows = [
    `| mirror and restore together | ${assumedRates.bytesPerSecond / 1e6} MB/s a machine, ${assumedRates.secondsPerContent} s a content |`,
    `| contents that a snapshot adds | ${assumed.newContentsOfSnapshot} |`,
    `| bytes of all contents / of all blobs | ${assumed.contentsByBlobs} |`,
    `| indices of a snapshot, shards, mean blob | ${assumed.indicesOfSnapshot}, ${assumed.shardsOfIndex}, ${assumed.blobBytes / 1e6} MB |`,
    `| blobs fetched by more than one machine or night | ${assumed.fetchedAgain} times |`,
    `| machines at work | ${assumed.busy * 100} % of their time |`,
    `| reading without restoring | ${assumed.readBytesPerSecond / 1e6} MB/s |`,
    `${assumed.restoreDays} days for restores and ${assumed.bytesDays} for bytes`,
    `nights of ${assumed.hoursOfCatchUp} h`,
  ]
  expect(rows.filter(row => !page.includes(row))).toEqual([])
})
