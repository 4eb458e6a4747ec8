/** What the world hears of a command by its end: exit codes, errors, leases, and what it must not hear. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { type Notice, type NoticeOptions, notified } from '../../src/cli/notify.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type ErrorCode, type ExitCode, SnapproofError } from '../../src/errors.ts'
import type { RunDependencies } from '../../src/run/dependencies.ts'
import { systemClock } from '../../src/time.ts'
import { type Listener, startListener } from '../notify/listener.ts'
import { goodRun } from '../support/runs.ts'

let listener: Listener
let logged: string[]
beforeEach(async () => {
  listener = await startListener()
  logged = []
})
afterEach(() => listener.close())

const say = (message: string, fields = {}) => logged.push(`${message} ${JSON.stringify(fields)}`)
const dependencies = { runId: 'r', output: { folder: '/runs/r' } } as RunDependencies

async function tell(
  work: (notice: Notice) => Promise<ExitCode>,
  {
    environment = {},
    notify = `ping: { url: "${listener.origin}/hush" }, webhook: { url: "${listener.origin}/hook-hush" }`,
    ...options
  }: Partial<NoticeOptions> & { environment?: Record<string, string>; notify?: string } = {},
): Promise<ExitCode> {
  const context: CliContext = {
    environment,
    clock: systemClock,
    log: { info: say, warn: say, progress: () => {}, clear: () => {} },
    signal: new AbortController().signal,
    print: () => {},
  }
  const text = `repository: { name: prod, url: s3://bucket/base }
ledger: { sync: none }
output: { url: s3://reports }
engines: [{ name: es, kind: maven, version: 9.5.3 }]
notify: { ${notify} }
`
  const config = await loadConfig({ file: 'x.yaml', environment: {}, readFile: async () => text })
  return notified(context, config, { command: 'audit', ...options }, work)
}

const paths = () => listener.heard.map(({ path }) => path.replace(/\?rid=.*/, '')).sort()
const document = () => JSON.parse(listener.heard.find(({ path }) => path === '/hook-hush')?.body ?? 'null')

async function night(notice: Notice, code: ExitCode): Promise<ExitCode> {
  const given = notice.of(dependencies)
  await given.notifyStarted?.()
  expect(paths()).toEqual(['/hush/start'])
  const run = goodRun()
  notice.came({ ...run, exit: { code, applies: [code], reason: 'as it\u001b was' } })
  return code
}

describe('a run', () => {
  it('tells its start, then its end with what it found, and passes the exit code on', async () => {
    expect(await tell(notice => night(notice, 1))).toBe(1)
    expect(paths()).toEqual(['/hook-hush', '/hush/fail', '/hush/start'])
    expect(document()).toMatchObject({
      runId: 'r',
      exit: { code: 1, reason: 'as it\\u{1b} was' },
      counts: { snapshots: goodRun().snapshots.length },
      report: { file: '/runs/r/report.html', url: 's3://reports/r/report.html' },
    })
  })

  it('is a success by exit code 0 alone', async () => {
    expect(await tell(notice => night(notice, 0))).toBe(0)
    expect(paths()).toEqual(['/hook-hush', '/hush', '/hush/start'])
  })

  it('that is good and then fails at what comes after its report is a failure', async () => {
    const broken = async (notice: Notice): Promise<ExitCode> => {
      await night(notice, 0)
      throw new SnapproofError('disk-full', 'could not write junit.xml: the disk is full')
    }
    await expect(tell(broken)).rejects.toMatchObject({ code: 'disk-full' })
    expect(paths()).toEqual(['/hook-hush', '/hush/fail', '/hush/start'])
    expect(document()).toMatchObject({ exit: { code: 2, reason: expect.stringContaining('junit.xml') } })
  })

  it('is told by the exit code of its command, whatever its report says', async () => {
    const work = async (notice: Notice): Promise<ExitCode> => {
      await night(notice, 0)
      return 4
    }
    expect(await tell(work)).toBe(4)
    expect(paths()).toEqual(['/hook-hush', '/hush/fail', '/hush/start'])
    expect(document()).toMatchObject({ exit: { code: 4, applies: [4] } })
  })

  it.each([
    ['unavailable', 2],
    ['configuration', 64],
  ] as [ErrorCode, number][])(
    'that comes to nothing (%s) tells it, without secrets of others',
    async (code, exitCode) => {
      const work = () => Promise.reject(new SnapproofError(code, 'GET https://dora:hunter2@minio/x'))
      await expect(tell(work)).rejects.toMatchObject({ code })
      expect(paths()).toEqual(['/hook-hush', '/hush/fail'])
      expect(document()).toMatchObject({ runId: null, exit: { code: exitCode }, counts: null, report: null })
      expect(JSON.stringify(listener.heard)).not.toContain('hunter2')
    },
  )

  it('that dies of something nobody foresaw tells it', async () => {
    await expect(tell(() => Promise.reject(new TypeError('x is not a function')))).rejects.toThrow(TypeError)
    expect(paths()).toEqual(['/hook-hush', '/hush/fail'])
    expect(document()).toMatchObject({ exit: { code: 2, reason: 'x is not a function' } })
  })
})

describe('nobody hears', () => {
  it('of a run that leaves because another holds the lease: that one tells', async () => {
    const work = () => Promise.reject(new SnapproofError('lease-held', 'held by another'))
    await expect(tell(work)).rejects.toMatchObject({ code: 'lease-held' })
    expect(paths()).toEqual([])
  })

  it('of a collect that found everything done, however good it was: that was last night', async () => {
    const work = async (notice: Notice): Promise<ExitCode> => {
      notice.of(dependencies)
      notice.nothingWasDone()
      return 0
    }
    expect(await tell(work, { command: 'collect' })).toBe(0)
    expect(paths()).toEqual([])
  })

  it('with --no-notify, nor of a command that tells nobody', async () => {
    const work = async (notice: Notice): Promise<ExitCode> => {
      await notice.of(dependencies).notifyStarted?.()
      return 0
    }
    expect(await tell(work, { silent: true })).toBe(0)
    expect(await tell(work, { notify: '' })).toBe(0)
    expect(paths()).toEqual([])
  })

  it('a ping of an old plan: its end is no sign that tonight’s came', async () => {
    const work = async (notice: Notice): Promise<ExitCode> => {
      await notice.of(dependencies).notifyStarted?.()
      return 0
    }
    await tell(work, { command: 'collect', webhookOnly: true })
    expect(paths()).toEqual(['/hook-hush'])
  })
})

describe('a listener that does not listen', () => {
  it('changes no exit code and is in the log without its address', async () => {
    const refuse = (response: { writeHead(status: number): unknown; end(): unknown }) => {
      response.writeHead(404)
      response.end()
    }
    listener.answers = [refuse, refuse, refuse]
    expect(await tell(notice => night(notice, 0))).toBe(0)
    expect(logged).toHaveLength(3)
    expect(logged.join('\n')).not.toContain('hush')
  })
})

describe('the header of the webhook', () => {
  const hook = () => `webhook: { url: "${listener.origin}/hook-hush", headerVariable: HOOK }`

  it('comes from the environment', async () => {
    await tell(async () => 0, { notify: hook(), environment: { HOOK: 'Authorization: Bearer s3cr3t' } })
    expect(listener.heard[0]?.headers.authorization).toBe('Bearer s3cr3t')
  })

  it.each([
    ['not there', {}, /variable HOOK is not set/],
    ['no header', { HOOK: 'Bearer s3cr3t' }, /variable HOOK holds no header/],
    ['two lines', { HOOK: 'X-Key: s3cr3t\r\nX-Other: s3cr3t' }, /variable HOOK holds no header/],
    ['empty', { HOOK: 'X-Key: ' }, /variable HOOK holds no header/],
  ])('that is %s is said before the night begins', async (_, environment, words) => {
    let began = false
    const work = async (): Promise<ExitCode> => {
      began = true
      return 0
    }
    const refused = tell(work, { notify: hook(), environment })
    await expect(refused).rejects.toMatchObject({ code: 'configuration', message: expect.stringMatching(words) })
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('s3cr3t') })
    expect(began).toBe(false)
  })
})
