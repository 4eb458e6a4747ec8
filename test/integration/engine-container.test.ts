/**
 * Kind `container` on a real container engine, podman with runc, and an image by the conventions of the official one. What it cannot
 * show: the official images, the docker daemon, and a network that somebody else's firewall guards.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readyPodman } from '../../infra/image/local/base-images.ts'
import type { Podman } from '../../infra/image/local/podman.ts'
import { sourceVersion } from '../../infra/local/cluster.ts'
import { thisProcess } from '../../src/engine/options.ts'
import { type EngineOptions, startWithClient } from '../../src/engine/start.ts'
import { silentLog } from '../../src/log.ts'
import { systemClock } from '../../src/time.ts'
import { repositoryFixtures } from '../support/fixtures.ts'
import { buildOfficialImage, writeContainerCommand } from '../support/officialImage.ts'

const say = (text: string) => console.error(text)
const found = await readyPodman(say)
const networks = typeof found === 'string' ? found : await internalNetworks(found)
if (typeof networks === 'string') say(`SKIPPED: no engine runs in a container: ${networks}`)

/** Containers of this kernel may be allowed and bridges not. */
async function internalNetworks(podman: Podman): Promise<true | string> {
  const name = `snapproof-probe-${process.pid}`
  const made = await podman.tell(['network', 'create', '--internal', name])
  await podman.tell(['network', 'rm', '--force', name])
  return made.code === 0 ? true : `no internal network: ${made.stderr.trim().split('\n').at(-1)}`
}

const signal = new AbortController().signal
const warnings: string[] = []
const log = { ...silentLog, warn: (text: string) => void warnings.push(text) }
let podman: Podman
let root: string
let command: string
let image: string
let repositories: string

function options(over: Partial<EngineOptions> = {}): EngineOptions {
  return {
    name: 'es9',
    kind: 'container',
    version: sourceVersion,
    command,
    image,
    network: 'internal',
    workFolder: join(root, 'work'),
    repositoryFolder: repositories,
    heapMb: 512,
    startTimeoutMs: 180_000,
    environment: process.env,
    signal,
    log,
    clock: systemClock,
    ...over,
  }
}

async function ownContainers(): Promise<string[]> {
  const list = await podman.ask(['ps', '--all', '--filter', 'label=snapproof.run', '--format', '{{.Names}}'])
  return list.split('\n').filter(name => name !== '')
}
async function ownNetworks(): Promise<string[]> {
  const list = await podman.ask(['network', 'ls', '--quiet', '--filter', 'label=snapproof.run'])
  return list.split('\n').filter(name => name !== '')
}
async function volumes(): Promise<string[]> {
  return (await podman.ask(['volume', 'ls', '--quiet'])).split('\n').filter(name => name !== '')
}

describe.skipIf(typeof networks === 'string')('an engine in a container', { timeout: 400_000 }, () => {
  beforeAll(async () => {
    podman = found as Podman
    root = await mkdtemp(join(tmpdir(), 'snapproof-container-'))
    repositories = join(root, 'repositories')
    await mkdir(repositories, { mode: 0o750 })
    command = await writeContainerCommand(root)
    image = await buildOfficialImage(podman, join(root, 'image'), say)
    const fixture = repositoryFixtures().find(({ name }) => name === 'es-9.5')
    if (fixture === undefined) throw new Error('no fixture es-9.5')
    await cp(fixture.folder, join(repositories, 'copy'), { recursive: true })
  }, 20 * 60_000)
  afterAll(async () => {
    for (const name of podman === undefined ? [] : await ownContainers())
      await podman.tell(['rm', '--force', '--time', '0', name])
    for (const name of podman === undefined ? [] : await ownNetworks())
      await podman.tell(['network', 'rm', '--force', name])
    await rm(root, { recursive: true, force: true })
  })

  it('restores on a network without a way out, and leaves nothing: no container, network or volume', async () => {
    const before = await volumes()
    const { engine } = await startWithClient(options())
    try {
      expect(engine.facts).toMatchObject({
        kind: 'container',
        product: 'elasticsearch',
        version: sourceVersion,
        xpack: false,
        egressBlocked: true,
      })
      const [name = ''] = await ownContainers()
      const [inspected] = JSON.parse(await podman.ask(['inspect', name]))
      expect(inspected.HostConfig).toMatchObject({ Memory: (2 * 512 + 512) * 1024 * 1024, ReadonlyRootfs: true })
      expect(inspected.EffectiveCaps ?? []).toEqual([])
      expect(inspected.Config.User).toBe('1000:0')
      const mounted = inspected.Mounts.find((mount: { Destination: string }) => mount.Destination === '/snapproof')
      expect(mounted).toMatchObject({ Source: repositories, RW: false })
      const inside = (script: string) => podman.tell(['exec', name, '/bin/bash', '-c', script])
      // No way out, none to this machine's other addresses, and nothing to be written but where it must.
      expect((await inside('timeout 5 bash -c "echo > /dev/tcp/192.0.2.1/80"')).stderr).toMatch(/unreachable/i)
      expect((await inside('touch /usr/share/elasticsearch/x')).stderr).toMatch(/read-only/i)
      expect((await inside('touch /snapproof/x')).stderr).toMatch(/read-only/i)
      await engine.registerRepository('r', join(repositories, 'copy'), signal)
      const restore = { repository: 'r', snapshot: 'night-1', index: 'orders', target: 'audit-1', signal }
      expect(await engine.startRestore(restore)).toEqual({ accepted: true })
      const counted = () => engine.count('audit-1', signal).catch(() => null)
      await expect.poll(counted, { timeout: 60_000 }).toBeGreaterThan(0)
    } finally {
      await engine.stop()
    }
    expect(await ownContainers()).toEqual([])
    expect(await ownNetworks()).toEqual([])
    expect(await volumes()).toEqual(before)
    expect(warnings).toEqual([])
  })

  it('goes when we are killed without a chance to act; what a switched-off machine left goes at the next start', async () => {
    const script = fileURLToPath(new URL('./engine/containerChild.ts', import.meta.url))
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', script, JSON.stringify({ command, image, repositories, work: join(root, 'w') })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      expect((await lines.next()).value).toBe('up')
      expect(await ownContainers()).toHaveLength(1)
    } finally {
      child.kill('SIGKILL')
    }
    await once(child, 'close')
    await expect.poll(ownContainers, { timeout: 60_000, interval: 500 }).toEqual([])
    await expect.poll(ownNetworks, { timeout: 60_000, interval: 500 }).toEqual([])

    // Left by a dead process of this machine, by a living one, and by another machine.
    const labels = await podmanLabels()
    const make = (name: string, pid: number, host: string) =>
      podman.ask(['create', '--name', name, ...labels(pid, host), '--entrypoint', '/bin/sleep', image, '1'])
    await make('snapproof-test-dead', 2 ** 22 + 1, thisProcess().host)
    await make('snapproof-test-living', process.ppid, thisProcess().host)
    await make('snapproof-test-elsewhere', 2 ** 22 + 1, 'elsewhere')
    await podman.ask([
      'network',
      'create',
      '--internal',
      ...labels(2 ** 22 + 1, thisProcess().host),
      'snapproof-test-net',
    ])
    await expect(startWithClient(options({ image: 'localhost/snapproof-test/none:1' }))).rejects.toMatchObject({
      code: 'no-image',
      message: expect.stringMatching(/localhost\/snapproof-test\/none:1/),
    })
    expect((await ownContainers()).sort()).toEqual(['snapproof-test-elsewhere', 'snapproof-test-living'])
    expect(await ownNetworks()).toEqual([])
    for (const name of await ownContainers()) await podman.ask(['rm', '--force', name])
  })

  it('says in the container’s words why it did not start, and leaves nothing', async () => {
    const settings = new Map([['no.such.setting', '1']])
    const error = await startWithClient(options({ settings })).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'engine-start' })
    expect(String(error)).toMatch(/unknown setting \[no\.such\.setting\]/)
    expect(await ownContainers()).toEqual([])
    expect(await ownNetworks()).toEqual([])
  })

  it('that cannot read what we write accuses nobody: it does not start', async () => {
    const closed = join(root, 'closed')
    await mkdir(closed, { mode: 0o700 })
    // Nobody's group: a server of user 1000 and group 0 may not pass.
    await expect(startWithClient(options({ repositoryFolder: closed }))).rejects.toMatchObject({
      code: 'engine-start',
      message: expect.stringMatching(/does not see what this machine writes/),
    })
  })

  it('is reached at a port of the loopback where that is asked for, and does not claim that egress is blocked', async () => {
    const { engine } = await startWithClient(options({ network: 'published' }))
    try {
      expect(engine.facts.egressBlocked).toBe(false)
    } finally {
      await engine.stop()
    }
    expect(await ownContainers()).toEqual([])
  })

  it('of a container engine that does not answer says so', async () => {
    const dead = join(root, 'docker-dead')
    await writeFile(
      dead,
      '#!/bin/sh\necho "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2\nexit 1\n',
      { mode: 0o755 },
    )
    await expect(startWithClient(options({ command: dead }))).rejects.toMatchObject({
      code: 'no-container-engine',
      message: expect.stringMatching(/docker-dead info ended with 1: Cannot connect to the Docker daemon/),
    })
    await expect(startWithClient(options({ command: 'no-such-command' }))).rejects.toMatchObject({
      code: 'no-container-engine',
      message: expect.stringMatching(/no-such-command is not on the PATH/),
    })
  })
})

async function podmanLabels() {
  const { ownerLabels } = await import('../../src/engine/containerTool.ts')
  const own = await ownerLabels({ runId: 'r', host: 'HOST', pid: 1 })
  return (pid: number, host: string) =>
    own.map(text => text.replace('snapproof.pid=1', `snapproof.pid=${pid}`).replace('=HOST', `=${host}`))
}
