/**
 * Reports in the form of the Amazon S3 User Guide, "Examples: S3 Batch Operations completion reports": the first row of a
 * report here is the Guide's own, to the letter.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlobReader } from '../../src/blobs/port.ts'
import { type ChecksumReport, readChecksumReport } from '../../src/check/checksumReport.ts'
import { hasRecordedCrc32, storedSumOfFile, storeSums } from '../../src/check/storeChecksums.ts'
import { SnapproofError } from '../../src/errors.ts'
import type { ListedBlob } from '../../src/model/blob.ts'
import { expectedCrc32 } from '../../src/repository/checksum.ts'
import { type S3Lab, startLab } from '../blobs/support.ts'
import { memoryReader } from '../support/memoryReader.ts'

const signal = new AbortController().signal
const createdMs = Date.parse('2026-11-20T17:48:39.725Z')
const nowMs = createdMs + 3_600_000
const guideRow =
  'amzn-s3-demo-bucket1,s3-standard-1mb-test-object,,succeeded,200,,"{""checksum_base64"":""bS9TOQ\\u003d\\u003d"",""etag"":""3c3c1813042989094598e4b57ecbdc82"",""checksumAlgorithm"":""CRC32"",""checksumType"":""FULL_OBJECT"",""checksum_hex"":""6D2F5339""}"'

interface RowOptions {
  bucket?: string
  key?: string
  status?: string
  etag?: string
  sum?: number
  algorithm?: string
  type?: string
  hex?: string
}
function row(options: RowOptions = {}): string {
  const {
    bucket = 'bucket',
    key = 'base/indices/a/0/__x',
    status = 'succeeded',
    etag = 'e1',
    sum = 0x6d2f5339,
  } = options
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  const result = {
    checksum_base64: bytes.toString('base64'),
    etag,
    checksumAlgorithm: options.algorithm ?? 'CRC32',
    checksumType: options.type ?? 'FULL_OBJECT',
    checksum_hex: options.hex ?? bytes.toString('hex').toUpperCase(),
  }
  return `${bucket},${key},,${status},200,,"${JSON.stringify(result).replaceAll('"', '""')}"`
}

function manifestOf(csv: string, change: Record<string, unknown> = {}, result: Record<string, unknown> = {}) {
  return {
    Format: 'Report_CSV_20180820',
    ReportCreationDate: new Date(createdMs).toISOString(),
    Results: [
      {
        TaskExecutionStatus: 'succeeded',
        Bucket: 'my-job-reports',
        MD5Checksum: createHash('md5').update(csv).digest('hex'),
        Key: 'job-1/results/6217.csv',
        ...result,
      },
      { TaskExecutionStatus: 'failed', Bucket: 'my-job-reports', MD5Checksum: 'x', Key: 'job-1/results/b2dd.csv' },
    ],
    ReportSchema: 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage',
    ...change,
  }
}
function filesOf(csv: string, manifest: unknown = manifestOf(csv)): Map<string, Buffer> {
  return new Map([
    ['copy/job-1/manifest.json', Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest))],
    ['copy/job-1/results/6217.csv', Buffer.from(csv)],
  ])
}
function read(
  files: ReadonlyMap<string, Buffer>,
  change: { bucket?: string; jobCreatedMs?: number; maxRows?: number } = {},
) {
  const reader = memoryReader(files)
  return readChecksumReport({
    reader,
    manifestKey: 'copy/job-1/manifest.json',
    bucket: 'bucket',
    nowMs,
    signal,
    ...change,
  })
}
const rows = (...lines: string[]) => read(filesOf(`${lines.join('\n')}\n`))

describe('a completion report of "Compute checksum"', () => {
  it('is read as the Guide shows it', async () => {
    const report = await read(filesOf(`${guideRow}\n`), { bucket: 'amzn-s3-demo-bucket1' })
    expect(report).toMatchObject({ rows: 1, failedFiles: 1, computedMs: createdMs })
    expect(Object.values(report.ignored)).toEqual([0, 0, 0, 0, 0, 0])
    expect(report.sumOf('s3-standard-1mb-test-object', '"3c3c1813042989094598e4b57ecbdc82"')).toBe(0x6d2f5339)
    expect(report.sumOf('s3-standard-1mb-test-object', '3c3c1813042989094598e4b57ecbdc82')).toBe(0x6d2f5339)
    expect(report.sumOf('s3-standard-1mb-test-object', '"3c3c1813042989094598e4b57ecbdc83"')).toBeNull()
    expect(report.sumOf('s3-standard-1mb-test-objecu', '"3c3c1813042989094598e4b57ecbdc82"')).toBeNull()
  })

  it('dates its sums by the creation of the job where that is known', async () => {
    const files = filesOf(`${row()}\n`)
    expect((await read(files, { jobCreatedMs: createdMs - 1_000 })).computedMs).toBe(createdMs - 1_000)
    expect((await read(files, { jobCreatedMs: createdMs + 1_000 })).computedMs).toBe(createdMs)
  })

  it('ignores what is of no use, and counts it by reason', async () => {
    const report = await rows(
      row(),
      row({ key: 'a', bucket: 'another' }),
      row({ key: 'b', algorithm: 'CRC64NVME' }),
      row({ key: 'c', algorithm: 'SHA256' }),
      row({ key: 'd', type: 'COMPOSITE' }),
      row({ key: 'e', etag: '' }),
      'bucket,f,,failed,500,InternalError,whatever',
      row({ key: 'g' }),
      row({ key: 'g', sum: 1 }),
      row({ key: 'h' }),
      row({ key: 'h' }),
    )
    expect(report.rows).toBe(11)
    expect(report.ignored).toEqual({
      'task-failed': 1,
      'other-bucket': 1,
      'other-algorithm': 2,
      'not-full-object': 1,
      'no-etag': 1,
      contradictory: 1,
    })
    expect(
      ['base/indices/a/0/__x', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(key => report.sumOf(key, 'e1')),
    ).toEqual([0x6d2f5339, ...Array.from({ length: 7 }, () => null), 0x6d2f5339])
  })

  it('finds keys that are URL-encoded, and those that are not', async () => {
    const report = await rows(
      row({ key: 'my+base%2Fa%20b%2Bc/%C3%A9', etag: '1' }),
      row({ key: '"a,b"', etag: '2' }),
      row({ key: '100%', etag: '3' }),
      row({ key: 'a+b', etag: '4' }),
    )
    expect(report.sumOf('my base/a b+c/é', '1')).toBe(0x6d2f5339)
    expect(report.sumOf('a,b', '2')).toBe(0x6d2f5339)
    expect(report.sumOf('100%', '3')).toBe(0x6d2f5339)
    expect(report.sumOf('a+b', '4')).toBe(0x6d2f5339)
    expect(report.sumOf('a b', '4')).toBe(0x6d2f5339)
  })

  const csvAt = 'memory:////copy/job-1/results/6217.csv'
  it.each([
    ['a field too few', `${row()}\nbucket,key,,succeeded,200,x\n`, ':2: there are 6 fields'],
    ['a field too many', `${row()},x\n`, ':1: there are more than 7 fields'],
    ['a quote too few', `${row()}\n${row().slice(0, -1)}`, ':2: a quoted field does not end'],
    ['an unknown status', row({ status: 'done' }), ':1: the status of the task is "done"'],
    [
      'the result of another job',
      'bucket,k,,succeeded,200,,"{u\'CopyObjectResult\': 1}"',
      ':1: the result is not that',
    ],
    ['a result that is a list', 'bucket,k,,succeeded,200,,[]', ':1: the result is not that'],
    ['a result without a sum', 'bucket,k,,succeeded,200,,"{""etag"":""x""}"', ':1: the result is not that'],
    ['a result by inheritance', 'bucket,k,,succeeded,200,,"{""__proto__"":{""etag"":""x""}}"', ':1: the result is not'],
    [
      'a sum that is a number',
      row().replace(/""checksum_base64"":""[^"]*""/, '""checksum_base64"":7'),
      ':1: the result',
    ],
    ['a sum of three bytes', row().replace('bS9TOQ==', 'bS9T'), ':1: checksum_base64 is "bS9T"'],
    ['a sum that is no base64', row().replace('bS9TOQ==', 'bS9TO%=='), ':1: checksum_base64'],
    ['two sums that differ', row({ hex: '6D2F5338' }), ':1: checksum_hex "6D2F5338" is not'],
    ['a hex sum that is none', row({ hex: '6D2F533' }), ':1: checksum_hex'],
    ['a row without end', `bucket,${'k'.repeat(70_000)}`, ':1: the record is longer'],
  ])('is refused with file and line for %s', async (_what, csv, message) => {
    await expect(read(filesOf(csv))).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(csvAt + message),
    })
  })

  it('is refused when a byte of a file is not the one that was written', async () => {
    const files = filesOf(`${row()}\n`)
    files.set('copy/job-1/results/6217.csv', Buffer.from(`${row({ etag: 'e2' })}\n`))
    await expect(read(files)).rejects.toMatchObject({ message: expect.stringContaining('6217.csv: its MD5') })
  })

  it('is refused when a file of it is not there, or it has too many rows', async () => {
    const files = filesOf(`${row()}\n`)
    files.delete('copy/job-1/results/6217.csv')
    await expect(read(files)).rejects.toMatchObject({ code: 'not-found' })
    await expect(read(filesOf(`${row()}\n${row()}\n`), { maxRows: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('6217.csv:2: there are more than 1 rows'),
    })
  })

  const csv = `${row()}\n`
  it.each([
    ['no JSON', '{"Format"', 'not JSON'],
    ['no object', '[]', 'not a JSON object'],
    ['another format', manifestOf(csv, { Format: 'Report_CSV_20300101' }), 'Format is "Report_CSV_20300101"'],
    ['other columns', manifestOf(csv, { ReportSchema: 'Bucket, Key' }), 'ReportSchema is "Bucket, Key"'],
    ['no date', manifestOf(csv, { ReportCreationDate: 'yesterday' }), 'ReportCreationDate is "yesterday"'],
    ['an impossible date', manifestOf(csv, { ReportCreationDate: '2026-13-01T00:00:00Z' }), 'ReportCreationDate'],
    ['a date to come', manifestOf(csv, { ReportCreationDate: '2027-01-01T00:00:00Z' }), 'lies in the future'],
    ['no list', manifestOf(csv, { Results: {} }), 'Results is not a list'],
    ['no result', manifestOf(csv, { Results: [null] }), 'Results[0].TaskExecutionStatus is not there'],
    ['a file that is none', manifestOf(csv, {}, { Key: 'job-1/results/' }), 'Results[0].Key'],
    ['no MD5', manifestOf(csv, {}, { MD5Checksum: undefined }), 'Results[0].MD5Checksum is not there'],
  ])('is refused for a manifest with %s', async (_what, manifest, message) => {
    await expect(read(filesOf(csv, manifest))).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/^memory:\/\/\/\/copy\/job-1\/manifest\.json: /),
    })
    await expect(read(filesOf(csv, manifest))).rejects.toMatchObject({ message: expect.stringContaining(message) })
  })

  it('climbs out of its folder for no name in a manifest', async () => {
    const files = filesOf(csv, manifestOf(csv, {}, { Key: '../../secret/6217.csv' }))
    expect((await read(files)).rows).toBe(1)
  })
})

const lucene = (text: string) => {
  const body = Buffer.from(text)
  const tail = Buffer.alloc(8)
  tail.writeUInt32BE(crc32(body), 4)
  return { bytes: Buffer.concat([body, tail]), checksum: crc32(body) }
}
const listedAs = (key: string, bytes: Buffer, change: Partial<ListedBlob> = {}): ListedBlob => ({
  key,
  bytes: bytes.length,
  etag: '"e1"',
  storageClass: 'STANDARD',
  modifiedMs: createdMs - 60_000,
  ...change,
})

describe('store-computed', () => {
  const key = 'indices/a/0/__x'
  const { bytes, checksum } = lucene('segment data')
  const blob = listedAs(key, bytes)
  const reader: BlobReader = { ...memoryReader(new Map()), basePath: 'base' }
  const sumsOf = (reports: ChecksumReport[], from = reader) => storeSums({ reader: from, reports, recorded: false })
  const report = () => rows(row({ sum: crc32(bytes) }))

  it('is the sum that Lucene recorded implies', async () => {
    const sum = await sumsOf([await report()]).sumOf(key, blob, signal)
    expect(sum).toEqual({ crc32: expectedCrc32(checksum), method: 'store-computed', computedMs: createdMs })
  })

  it('counts for the very object only, and only when it was computed later than that was written', async () => {
    const sums = sumsOf([await report()])
    expect(await sums.sumOf(key, { ...blob, etag: '"e2"' }, signal)).toBeNull()
    expect(await sums.sumOf(key, { ...blob, etag: null }, signal)).toBeNull()
    expect(await sums.sumOf('indices/a/0/__y', blob, signal)).toBeNull()
    expect(await sums.sumOf(key, { ...blob, modifiedMs: createdMs }, signal)).toBeNull()
    expect(await sums.sumOf(key, { ...blob, modifiedMs: 0 }, signal)).toBeNull()
    expect(await sums.sumOf(key, { ...blob, modifiedMs: createdMs - 1 }, signal)).not.toBeNull()
  })

  it('finds keys that count from the root of the bucket, and none where there is no bucket', async () => {
    const reports = [await report()]
    expect(await sumsOf(reports).sumOf(`/base/${key}`, blob, signal)).not.toBeNull()
    expect(await sumsOf(reports, { ...reader, basePath: '' }).sumOf(`base/${key}`, blob, signal)).not.toBeNull()
    expect(await sumsOf(reports, { ...reader, basePath: null }).sumOf(key, blob, signal)).toBeNull()
  })

  it('is that of the youngest report that knows the object', async () => {
    const old = await read(filesOf(row({ sum: 1 })), { jobCreatedMs: createdMs - 1_000 })
    const young = await report()
    for (const reports of [
      [old, young],
      [young, old],
    ]) {
      expect((await sumsOf(reports).sumOf(key, blob, signal))?.crc32).toBe(crc32(bytes))
    }
    const silent = await rows(row({ key: 'other' }))
    expect((await sumsOf([silent, old]).sumOf(key, blob, signal))?.crc32).toBe(1)
  })
})

describe('store-recorded', () => {
  const key = 'indices/a/0/__x'
  const { bytes, checksum } = lucene('uploaded')
  let lab: S3Lab
  beforeAll(async () => {
    lab = await startLab()
    await mkdir(join(lab.root, 'bucket', 'base', 'indices', 'a', '0'), { recursive: true })
    await writeFile(join(lab.root, 'bucket', 'base', key), bytes)
  })
  afterAll(() => lab.close())
  const base64 = (sum: number) => {
    const four = Buffer.alloc(4)
    four.writeUInt32BE(sum)
    return four.toString('base64')
  }
  const record = (checksum: { algorithm: string; type: string; base64: string }) =>
    lab.facts.set(`base/${key}`, { checksum })
  const listed = async (store: BlobReader): Promise<ListedBlob> => {
    for await (const blob of store.list(key)) return blob
    throw new Error('nothing is listed')
  }

  it('is what HEAD says where the listing says that it is there', async () => {
    record({ algorithm: 'CRC32', type: 'FULL_OBJECT', base64: base64(crc32(bytes)) })
    const store = lab.store()
    const blob = await listed(store)
    const sum = await storeSums({ reader: store, reports: [], recorded: true }).sumOf(key, blob, signal)
    expect(sum).toEqual({
      crc32: expectedCrc32(checksum),
      method: 'store-recorded',
      computedMs: blob.modifiedMs - (blob.modifiedMs % 1_000),
    })
    expect(await storeSums({ reader: store, reports: [], recorded: false }).sumOf(key, blob, signal)).toBeNull()
    // Replaced since it was listed.
    const sums = storeSums({ reader: store, reports: [], recorded: true })
    expect(await sums.sumOf(key, { ...blob, etag: '"other"' }, signal)).toBeNull()
    expect(await sums.sumOf(key, { ...blob, bytes: 1 }, signal)).toBeNull()
  })

  it.each([
    ['CRC32', 'COMPOSITE', 'bS9TOQ==-2'],
    ['CRC32', 'COMPOSITE', 'bS9TOQ=='],
    ['CRC64NVME', 'FULL_OBJECT', 'bS9TOW0vUzk='],
  ])('asks nothing of an object with a %s of type %s', async (algorithm, type, sum) => {
    record({ algorithm, type, base64: sum })
    const store = lab.store()
    const blob = await listed(store)
    expect(hasRecordedCrc32(blob)).toBe(false)
    const heads = lab.server.requests.HEAD
    expect(await storeSums({ reader: store, reports: [], recorded: true }).sumOf(key, blob, signal)).toBeNull()
    expect(lab.server.requests.HEAD).toBe(heads)
  })

  it('stops asking where nobody is allowed to', async () => {
    let asked = 0
    const denied: BlobReader = {
      ...memoryReader(new Map()),
      head: async () => {
        asked++
        throw new SnapproofError('access-denied', 'no kms:Decrypt')
      },
    }
    const blob = listedAs(key, bytes, { checksum: { algorithms: ['CRC32'], type: 'FULL_OBJECT', crc32: null } })
    const sums = storeSums({ reader: denied, reports: [], recorded: true })
    for (let i = 0; i < 20; i++) expect(await sums.sumOf(key, blob, signal)).toBeNull()
    expect(asked).toBe(5)
  })

  it('rejects with the reason of a signal', async () => {
    const reason = new Error('enough')
    const sums = storeSums({ reader: lab.store(), reports: [], recorded: true })
    await expect(sums.sumOf(key, listedAs(key, bytes), AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

describe('the sum of a file in parts', () => {
  const { bytes, checksum } = lucene('a file that was split into three objects')
  const parts = [0, 20, 40].map((start, i) => ({ key: `p${i}`, part: bytes.subarray(start, start + 20) }))
  const listed = new Map(parts.map(({ key, part }) => [key, listedAs(key, part)]))
  const blobs = parts.map(({ key, part }) => ({ key, bytes: part.length }))
  const sums = (methods: readonly string[]) => ({
    sumOf: async (key: string) => {
      const i = parts.findIndex(one => one.key === key)
      const method = methods[i]
      if (method !== 'store-computed' && method !== 'store-recorded') return null
      return { crc32: crc32(parts[i]?.part ?? ''), method, computedMs: 100 - i } as const
    },
  })
  const whole = (methods: readonly string[], known: ReadonlyMap<string, ListedBlob> = listed) =>
    storedSumOfFile(sums(methods), key => known.get(key))(blobs, signal)

  it('is that of the whole, as weak and as old as the worst of them', async () => {
    const computed = ['store-computed', 'store-computed', 'store-computed']
    const expected = { crc32: expectedCrc32(checksum), computedMs: 98 }
    expect(await whole(computed)).toEqual({ ...expected, method: 'store-computed' })
    for (const i of [0, 1, 2]) {
      expect(await whole(computed.with(i, 'store-recorded'))).toEqual({ ...expected, method: 'store-recorded' })
      expect(await whole(computed.with(i, 'none'))).toBeNull()
    }
  })

  it('is not known when a part is missing or has another length', async () => {
    const computed = ['store-computed', 'store-computed', 'store-computed']
    for (const { key, part } of parts) {
      expect(await whole(computed, new Map([...listed].filter(([name]) => name !== key)))).toBeNull()
      const longer = listedAs(key, part, { bytes: part.length + 1 })
      expect(await whole(computed, new Map([...listed, [key, longer]]))).toBeNull()
    }
  })
})
