/** One measurement in a process of its own, so that its peak memory is its own: the task as argument, the answer on stdout. */
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { openStore } from '../../src/blobs/open.ts'
import type { BlobReader, RequestCounts } from '../../src/blobs/port.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { silentLog } from '../../src/log.ts'
import { decodeRepositoryData } from '../../src/repository/repository-data.ts'
import { ledgerMemory } from '../../src/run/checkMemory.ts'
import { checkReport } from '../../src/run/checkReport.ts'
import { inspectLines } from '../../src/run/inspect.ts'
import { systemClock } from '../../src/time.ts'
import { generatedReader } from '../local/generate/reader.ts'
import { repositoryDataChunks } from '../local/generate/repository-data.ts'
import { generationOf, type RepositoryShape } from '../local/generate/shape.ts'
import { byteProof, plainGet } from './readStore.ts'
import type { CheckAnswer, DecodeAnswer, InspectAnswer, PairedAnswer, Task, Used } from './task.ts'

const requests = 16
const maxMetadataBytes = 512 * 1024 ** 2
const signal = new AbortController().signal
setMaxListeners(0)

async function check({
  level,
  shape,
  ledger: file,
}: Task & { readonly kind: 'check' }): Promise<Omit<CheckAnswer, keyof Used>> {
  const counts: RequestCounts = { list: 0, get: 0, head: 0, put: 0, delete: 0, bytesRead: 0 }
  const bytesOf: Record<string, number> = {}
  const getsOf: Record<string, number> = {}
  const blobs = generatedReader(shape, counts, (kind, bytes) => {
    bytesOf[kind] = (bytesOf[kind] ?? 0) + bytes
    getsOf[kind] = (getsOf[kind] ?? 0) + 1
  })
  const runId = randomUUID()
  const ledger =
    file === null
      ? null
      : await openLedger({
          repositoryName: 'bench',
          store: null,
          file,
          runId,
          owner: 'bench',
          clock: systemClock,
          log: silentLog,
          leaseSeconds: 600,
          randomId: randomUUID,
          signal,
        })
  try {
    const memory =
      ledger === null ? null : ledgerMemory({ ledger, runId, readOnly: false, renewAfterDays: 90, clock: systemClock })
    const { report, exitCode } = await checkReport({
      level,
      maxBytes: null,
      maxSeconds: null,
      memory,
      blobs,
      counts,
      requests,
      maxMetadataBytes,
      clock: systemClock,
      log: silentLog,
      signal,
    })
    await ledger?.store(signal)
    const { list: lists, get: gets, head: heads, bytesRead } = counts
    return { lists, gets, heads, bytesRead, bytesOf, getsOf, exitCode, findings: report.findings.length }
  } finally {
    await ledger?.close()
  }
}

async function inspect(blobs: BlobReader): Promise<Omit<InspectAnswer, keyof Used>> {
  const narrow = { snapshot: null, index: null, shards: true }
  const limits = { requests, maxMetadataBytes, temporaryFolder: tmpdir() }
  const answer = { lines: 0, bytes: 0, longestLine: 0 }
  for await (const line of inspectLines(blobs, { ...narrow, ...limits, log: silentLog, signal })) {
    answer.lines++
    answer.bytes += line.length
    answer.longestLine = Math.max(answer.longestLine, line.length)
  }
  return answer
}

async function decode(shape: RepositoryShape): Promise<Omit<DecodeAnswer, keyof Used>> {
  let bytes = 0
  function* counted() {
    for (const chunk of repositoryDataChunks(shape)) {
      bytes += chunk.length
      yield chunk
    }
  }
  const { data } = await decodeRepositoryData(counted(), generationOf(shape))
  if (data.indices.length !== shape.indices) throw new Error(`${data.indices.length} indices were decoded`)
  return { bytes }
}

async function decodeAndParse(shape: RepositoryShape, rounds: number): Promise<Omit<PairedAnswer, keyof Used>> {
  const chunks = [...repositoryDataChunks(shape)]
  const whole = Buffer.concat(chunks)
  const times = { decode: [] as number[], parse: [] as number[] }
  const measure = async (what: 'decode' | 'parse', work: () => unknown): Promise<void> => {
    const start = cpuSeconds()
    if ((await work()) === undefined) throw new Error(`${what} gave nothing`)
    times[what].push(cpuSeconds() - start)
  }
  for (let round = 0; round < rounds; round++) {
    await measure('decode', () => decodeRepositoryData(chunks, generationOf(shape)))
    await measure('parse', () => JSON.parse(whole.toString('utf8')))
  }
  return { bytes: whole.length, ...times }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function work(task: Task) {
  switch (task.kind) {
    case 'check':
      return check(task)
    case 'plan':
      return import('./planChildren.ts').then(({ planChildren }) =>
        planChildren(task.shape, task.folder, task.children),
      )
    case 'inspect':
      return inspect(generatedReader(task.shape))
    case 'byte-proof':
      return byteProof(task)
    case 'plain-get':
      return plainGet(task)
    case 'inspect-store':
      return inspect(openStore(task.url, { clock: systemClock }))
    case 'decode':
      return decode(task.shape)
    case 'decode-and-parse':
      return decodeAndParse(task.shape, task.rounds)
  }
}

// Whoever started us is gone when the pipe closes.
process.stdin.resume().on('end', () => process.exit(1))
const task: Task = JSON.parse(process.argv[2] ?? '')
const start = performance.now()
const cpuStart = cpuSeconds()
const answer = await work(task)
const used: Used = {
  seconds: (performance.now() - start) / 1000,
  cpuSeconds: cpuSeconds() - cpuStart,
  // The system counts kilobytes.
  peakBytes: process.resourceUsage().maxRSS * 1024,
}
process.stdout.write(`${JSON.stringify({ ...answer, ...used })}\n`, () => process.exit(0))
