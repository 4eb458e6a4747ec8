/** How a start fails, with shell scripts in the place of a server. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findJdk } from '../../src/engine/jdk.ts'
import { LineRing } from '../../src/engine/process.ts'
import { type EngineOptions, startEngine } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'snapproof-start-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

function options(changes: Partial<EngineOptions> = {}): EngineOptions {
  return {
    name: 'fake',
    kind: 'distribution',
    version: '9.5.3',
    home: join(root, 'home'),
    workFolder: join(root, 'work'),
    heapMb: 512,
    startTimeoutMs: 20_000,
    environment: { PATH: '/usr/bin:/bin' },
    signal: new AbortController().signal,
    log: silentLog,
    clock: systemClock,
    ...changes,
  }
}

async function fakeServer(script: string, name = 'elasticsearch'): Promise<void> {
  await mkdir(join(root, 'home/bin'), { recursive: true })
  await mkdir(join(root, 'home/config'))
  await writeFile(join(root, 'home/config/elasticsearch.yml'), 'cluster.name: of-somebody-else')
  await writeFile(join(root, 'home/bin', name), `#!/bin/sh\n${script}\n`)
  await chmod(join(root, 'home/bin', name), 0o755)
}
const leftOver = () => readdir(join(root, 'work')).catch(() => [])

describe('startEngine', () => {
  it('says what the server said when it ends at its start, at once', async () => {
    await fakeServer('echo "fatal: no room at the inn" >&2; exit 78')
    const error = await startEngine(options()).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'engine-start' })
    expect(String(error)).toMatch(/exit code 78; it said last: fatal: no room at the inn/)
    expect(await leftOver()).toEqual([])
  })

  it('gives a distribution our settings, a configuration folder of its own and the heap', async () => {
    const script =
      'echo "$ES_JAVA_OPTS|$ES_FOREIGN|$(ls $ES_PATH_CONF)|$(cat $ES_PATH_CONF/elasticsearch.yml)|$*"; exit 1'
    await fakeServer(script)
    const environment = { PATH: '/usr/bin:/bin', ES_FOREIGN: 'foreign' }
    const error = await startEngine(options({ environment })).catch((e: unknown) => e)
    expect(String(error)).toMatch(
      /-Xms512m -Xmx512m\|\|elasticsearch.yml\|\|-Ecluster.name=snapproof-.* -Ehttp.port=0 /,
    )
  })

  it('starts again when a port is taken, three times at most', async () => {
    await fakeServer(`echo start >> ${root}/starts; echo "BindHttpException: Failed to bind to 127.0.0.1:9200"; exit 1`)
    await expect(startEngine(options())).rejects.toMatchObject({ code: 'port-taken' })
    expect(await readFile(join(root, 'starts'), 'utf8')).toBe('start\nstart\nstart\n')
    expect(await leftOver()).toEqual([])
  })

  it('gives up a server that never answers, and leaves no process of its group', async () => {
    await fakeServer(`(sleep 600 & echo $! > ${root}/child; wait)`)
    const error = await startEngine(options({ startTimeoutMs: 700 })).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'engine-start' })
    const child = Number(await readFile(join(root, 'child'), 'utf8'))
    await expect.poll(() => lives(child), { timeout: 5_000 }).toBe(false)
    expect(await leftOver()).toEqual([])
  })

  it('stops at an abort with its reason', async () => {
    await fakeServer('sleep 600')
    const stop = new AbortController()
    const reason = new Error('Ctrl-C')
    setTimeout(() => stop.abort(reason), 300)
    await expect(startEngine(options({ signal: stop.signal }))).rejects.toBe(reason)
    expect(await leftOver()).toEqual([])
  })

  it('refuses a folder that holds no distribution, and a version nobody can put together', async () => {
    await expect(startEngine(options())).rejects.toMatchObject({ code: 'no-distribution' })
    const maven = options({ kind: 'maven', version: '6.8.0', cacheFolder: root })
    await expect(startEngine(maven)).rejects.toMatchObject({ code: 'no-distribution' })
  })

  it('says that mvn is missing', async () => {
    const { home } = await findJdk({ minimum: 21, neededBy: 'this test' }, process.env)
    const environment = { JAVA_HOME: home, PATH: '/nonexistent' }
    const start = startEngine(options({ kind: 'maven', cacheFolder: join(root, 'cache'), environment }))
    await expect(start).rejects.toMatchObject({ code: 'no-maven' })
    expect(await readdir(join(root, 'cache')).catch(() => [])).toEqual([])
  })
})

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('LineRing', () => {
  it('keeps the last lines of any output in bounded memory', () => {
    const ring = new LineRing()
    for (let i = 0; i < 5_000; i++) ring.add(Buffer.from(`line ${i}\n`))
    ring.add(Buffer.from('x'.repeat(10_000_000)))
    ring.add(Buffer.from('y'.repeat(10)))
    const last = ring.last(2)
    expect(last[0]).toBe('line 4999')
    expect(last[1]?.length).toBeLessThan(3_000)
    expect(ring.last(10_000).length).toBeLessThan(500)
  })
})
