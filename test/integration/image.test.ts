/**
 * The image, built from the Dockerfile and run by a real container engine: what it is, and nights of the demo inside it, the very
 * command of the CDK stack among them.
 */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readyPodman } from '../../infra/image/local/base-images.ts'
import { containerArguments, type Ended, type Podman, type Started } from '../../infra/image/local/podman.ts'
import { buildTestImage } from '../../infra/image/local/test-image.ts'
import { sourceVersion, startSourceCluster } from '../../infra/local/cluster.ts'
import { days, fillCluster } from '../../infra/local/demo/fill.ts'
import { ensureMoto, type Moto } from '../../infra/local/moto.ts'
import { type LocalS3, startLocalS3 } from '../../infra/local/s3/server.ts'
import { cacheFolder } from '../../src/config/cache.ts'
import { type metrics, namespace } from '../../src/metrics/names.ts'
import { parseRun } from '../../src/report/run-json.ts'
import { flat, resource, synth } from '../infra/aws/templates.ts'
import { readRun } from '../support/auditRun.ts'
import { type KmsServer, kmsKeyArn, startKmsServer } from '../support/kmsServer.ts'
import { dataBlobs, digestOf, filesOf, flipBitOf } from '../support/repositoryFiles.ts'

const say = (text: string) => console.error(text)
const found = await readyPodman(say)
if (typeof found === 'string') say(`SKIPPED: the image is not built and run: ${found}`)

const facts = { version: '9.8.7', revision: 'a'.repeat(40), source: 'https://example.com/snapproof' }
const [bucket, base, ledgerBucket, sealBucket] = ['demo-bucket', 'production', 'demo-ledger', 'demo-seals']
const region = 'eu-central-1'
/** Would be of no use to anybody; must not be found in the image. */
const credentials = {
  AWS_ACCESS_KEY_ID: 'AKIADEMODEMODEMODEMO',
  AWS_SECRET_ACCESS_KEY: 'demo-secret',
  AWS_REGION: region,
}
const containers: string[] = []
let podman: Podman
let image: string
let folder: string
let repository: string
let s3: LocalS3
let moto: Moto
let kms: KmsServer
/** In this mood the store answers for the data of the index that is asked for first, and is silent about all others. */
let stalling: { first: string | null } | null = null

describe.skipIf(typeof found === 'string')('the image', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    podman = found as Podman
    await podman.sweep()
    folder = await mkdtemp(join(tmpdir(), 'snapproof-image-'))
    repository = join(folder, 's3', bucket, base)
    for (const own of [ledgerBucket, sealBucket]) await mkdir(join(folder, 's3', own), { recursive: true })
    image = await buildTestImage(podman, facts, say)
    await takeSnapshots()
    s3 = await startLocalS3({
      root: join(folder, 's3'),
      readOnly: [`${bucket}/${base}`],
      hooks: {
        onRequest: ({ method, key }) => {
          const id = /^production\/indices\/([^/]+)\/\d+\/__/.exec(key)?.[1]
          if (stalling === null || method !== 'GET' || id === undefined) return undefined
          stalling.first ??= id
          return id === stalling.first ? undefined : { kind: 'silence' }
        },
      },
    })
    moto = await ensureMoto()
    kms = await startKmsServer()
  }, 30 * 60_000)
  afterAll(async () => {
    for (const name of containers) await podman.tell(['rm', '--force', '--ignore', '--time', '0', name])
    await s3?.close()
    await moto?.stop()
    await kms?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('says what it is, and runs nothing but an init by itself', async () => {
    const [inspected] = JSON.parse(await podman.ask(['image', 'inspect', image]))
    expect(inspected.Config).toMatchObject({
      User: '10001:0',
      Entrypoint: ['/opt/snapproof/runtime/tini', '--'],
      Cmd: ['snapproof', '--help'],
      StopSignal: 'SIGTERM',
    })
    expect(inspected.Config.Healthcheck ?? { Test: ['NONE'] }).toEqual({ Test: ['NONE'] })
    expect(inspected.Labels).toMatchObject({
      'org.opencontainers.image.version': facts.version,
      'org.opencontainers.image.revision': facts.revision,
      'org.opencontainers.image.source': facts.source,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.base.name': expect.stringContaining(sourceVersion),
    })
    const names = inspected.Config.Env.map((line: string) => line.split('=')[0])
    expect(names.toSorted()).toEqual(['ELASTIC_CONTAINER', 'HOME', 'PATH'])
  })

  it('holds the program and what it needs, and nothing of the checkout, of this machine, or secret', async () => {
    const { code, stdout } = await run(['/bin/sh', '-c', 'cd /opt/snapproof && find . -maxdepth 1 && ls node_modules'])
    expect(code).toBe(0)
    const listed = stdout.split('\n')
    expect(listed.filter(line => line.startsWith('./')).toSorted()).toEqual(
      ['LICENSE', 'bin', 'config', 'dist', 'lib', 'node_modules', 'package.json', 'reports', 'runtime']
        .map(name => `./${name}`)
        .toSorted(),
    )
    const modules = listed.filter(line => !line.startsWith('.'))
    expect(modules).toContain('better-sqlite3')
    expect(modules.filter(name => /^(typescript|vitest|tsx|aws-cdk)/.test(name))).toEqual([])
    const history = await podman.ask(['history', '--no-trunc', '--format', '{{.CreatedBy}}', image])
    expect(history).toContain('runtime/tini')
    for (const secret of [process.env.HOSTNAME, process.env.NPM_TOKEN, process.env.AWS_SECRET_ACCESS_KEY])
      if (secret !== undefined && secret !== '') expect(history).not.toContain(secret)
    expect(history).not.toMatch(/_authToken|PRIVATE KEY|password|AKIA/i)
    const search =
      'grep -rlE "_authToken|BEGIN [A-Z ]*PRIVATE KEY" /opt/snapproof /var/lib/snapproof --include=.npmrc --include=*.json --include=*.pem'
    expect((await run(['/bin/sh', '-c', search])).stdout).toBe('')
  })

  it('tells how it is used when it is asked nothing', async () => {
    const { code, stdout } = await run([])
    expect(code).toBe(0)
    expect(stdout).toContain('snapproof audit')
    expect(await run(['snapproof', 'no-such-command'])).toMatchObject({ code: 64 })
  })

  it('has an init as its first process, which reaps what others leave, and a user who is not root', async () => {
    const script = [
      'id -un; id -u; id -g',
      'cat /proc/1/comm',
      // A grandchild whose parent is gone is the init's.
      '/bin/sh -c "/bin/sh -c \'exit 0\' & exit 0"',
      'until ! grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null; do sleep 0.05; done',
      'touch /tmp/writable && echo writable',
      'touch /opt/snapproof/x /usr/share/elasticsearch/lib/x 2>/dev/null || echo "not writable"',
    ]
    const { code, stdout } = await run(['/bin/sh', '-c', script.join('\n')])
    expect(code).toBe(0)
    expect(stdout.trim().split('\n')).toEqual(['snapproof', '10001', '0', 'tini', 'writable', 'not writable'])
  })

  it('runs a night by the command of the stack: reports, ledger and metrics are where they belong', async () => {
    const before = await digestOf(repository)
    const { code, stderr } = await stackNight('night').ended
    expect(stderr).toContain('snapproof ended with exit code 0')
    expect(code).toBe(0)
    const kept = await filesOf(join(folder, 's3', ledgerBucket))
    expect(kept.filter(name => name.endsWith('ledger.sqlite.gz'))).toHaveLength(1)
    const [file = ''] = kept.filter(name => name.endsWith('run.json'))
    const night = parseRun(await readFile(join(folder, 's3', ledgerBucket, file), 'utf8'))
    expect(night.exit.code).toBe(0)
    expect(night.tool.node).toMatch(/^v26\./)
    expect(night.engines).toMatchObject([{ kind: 'distribution', version: sourceVersion }])
    expect(night.snapshots.map(one => one.levels.restore?.verdict)).toEqual(days.map(() => 'pass'))
    expect(kept).toContain(file.replace('run.json', 'report.html'))
    expect(await filesOf(join(folder, 's3', sealBucket))).toHaveLength(1)
    const client = new CloudWatchClient({
      region,
      endpoint: moto.endpointUrl,
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    })
    const { Metrics } = await client.send(new ListMetricsCommand({ Namespace: namespace }))
    client.destroy()
    expect((Metrics ?? []).map(one => one.MetricName)).toContain('Heartbeat' satisfies keyof typeof metrics)
    expect(await digestOf(repository)).toBe(before)
  })

  it('ends in order on SIGTERM: what was proven is kept, the server is gone', async () => {
    await rm(join(folder, 's3', ledgerBucket), { recursive: true })
    await mkdir(join(folder, 's3', ledgerBucket))
    stalling = { first: null }
    const night = stackNight('stopped')
    await night.says(/: pass\b/)
    const servers = await serversOf('stopped')
    expect(servers).not.toEqual([])
    await podman.ask(['kill', '--signal', 'TERM', nameOf('stopped')])
    const { code, stderr } = await night.ended
    stalling = null
    expect(stderr).toContain('SIGTERM: stopping; what is done is kept')
    expect(stderr).toContain('snapproof ended with exit code 2')
    expect(code).toBe(2)
    const kept = await filesOf(join(folder, 's3', ledgerBucket))
    expect(kept.filter(name => name.includes('/journals/')).length).toBeGreaterThan(0)
    const [file = ''] = kept.filter(name => name.endsWith('run.json'))
    const { exit } = parseRun(await readFile(join(folder, 's3', ledgerBucket, file), 'utf8'))
    expect(exit).toMatchObject({ code: 2, reason: expect.stringContaining('SIGTERM') })
    for (const pid of servers) expect(await commandLine(pid)).not.toContain('java')
  })

  it('audits a mounted disk as any user of group 0, and leaves nothing but its report', async () => {
    const own = await writeOwn('disk')
    const script = [
      'snapproof audit --config /own/snapproof.yaml --out /own/out --max-snapshots 1 --log plain',
      'code=$?',
      'id -u',
      // The JVM's own is a file of a killed server; the next JVM there removes it.
      'find /own/work /tmp -type f -not -path "/tmp/hsperfdata_*"',
      'cat /proc/[0-9]*/comm | grep -x java',
      'exit $code',
    ]
    const { code, stdout, stderr } = await run(['/bin/sh', '-c', script.join('\n')], {
      flags: ['--user', '123456:0', ...hardened, '--volume', `${own}:/own`, '--volume', `${repository}:/repository:ro`],
    })
    expect([code, stderr.match(/error/i)]).toEqual([0, null])
    expect(stdout.trim().split('\n').slice(-1)).toEqual(['123456'])
    expect((await readRun(join(own, 'out'))).restores.map(row => row.verdict)).toContain('pass')
    expect(await filesOf(join(own, 'out'))).toContain('report.html')
  })

  it('finds damage, and says so by its exit code', async () => {
    const own = await writeOwn('damaged')
    const copy = join(folder, 'copy')
    await cp(repository, copy, { recursive: true })
    const [blob = ''] = await dataBlobs(copy)
    await flipBitOf(join(copy, blob))
    const mounts = ['--volume', `${own}:/own`, '--volume', `${copy}:/repository:ro`]
    const { code, stdout } = await run(
      ['snapproof', 'check', '--config', '/own/snapproof.yaml', '--level', 'bytes', '--json'],
      { flags: [...hardened, ...mounts] },
    )
    expect(code).toBe(1)
    expect(JSON.parse(stdout).findings).toMatchObject([{ code: 'corrupt-data-blob', key: blob }])
  })
})

/** As strict as Kubernetes' restricted profile and Fargate are together. */
const hardened = [
  '--read-only',
  '--tmpfs',
  '/tmp:mode=1777',
  '--cap-drop',
  'all',
  '--security-opt',
  'no-new-privileges',
]

const nameOf = (name: string) => `snapproof-test-${process.pid}-${name}`

function start(name: string, command: readonly string[], flags: readonly string[] = []): Started {
  containers.push(nameOf(name))
  const seconds = 500
  return podman.start([...containerArguments(nameOf(name), seconds), ...flags, image, ...command], {
    timeoutMs: (seconds + 30) * 1_000,
  })
}

function run(command: readonly string[], { flags = [] }: { readonly flags?: readonly string[] } = {}): Promise<Ended> {
  return start(`run-${containers.length}`, command, flags).ended
}

/** The container of the synthesized job, as Batch would start it; only the addresses are those of local servers. */
function stackNight(name: string): Started {
  const template = synth({
    repository: { name: 'demo', bucketName: bucket, basePath: base },
    compute: { kind: 'batch' },
  })
  const { Command, Environment } = resource(template, 'AWS::Batch::JobDefinition').Properties.ContainerProperties
  const environment: Record<string, string> = { ...credentials }
  for (const { Name, Value } of Environment) {
    environment[Name] = flat(Value)
      .replaceAll(/<AuditStorageLedger\w+>/g, ledgerBucket)
      .replaceAll(/<AuditNotifications\w+>/g, `arn:aws:sns:${region}:111122223333:alarms`)
      .replaceAll(/<AuditStorageSeals\w+>/g, sealBucket)
      .replaceAll(/<AuditStorageSealKey\w+\.Arn>/g, kmsKeyArn)
      .replaceAll('<AWS::Region>', region)
  }
  for (const section of ['REPOSITORY', 'LEDGER', 'OUTPUT', 'SEAL'])
    environment[`SNAPPROOF_${section}_ENDPOINT_URL`] = s3.endpointUrl
  environment.SNAPPROOF_METRICS_ENDPOINT_URL = moto.endpointUrl
  environment.SNAPPROOF_SEAL_KMS_ENDPOINT_URL = kms.endpointUrl
  environment.SNAPPROOF_WORK_CONTENTS = '1'
  const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`])
  return start(name, Command, [...hardened, ...variables])
}

/** Ids on this machine of the search server's processes in a container. */
async function serversOf(name: string): Promise<string[]> {
  const processes = await podman.ask(['top', nameOf(name), 'hpid', 'args'])
  return processes
    .split('\n')
    .filter(line => line.includes('/jdk/bin/java'))
    .map(line => line.trim().split(/\s+/)[0] ?? '')
}

/** Empty: no such process lives. */
function commandLine(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
}

/** The demo's five days. */
async function takeSnapshots(): Promise<void> {
  const cluster = await startSourceCluster({
    workFolder: join(folder, 'source'),
    cacheFolder: cacheFolder(process.env),
    repositoryFolder: join(folder, 's3', bucket),
  })
  try {
    await cluster.createRepository(base)
    await fillCluster(cluster, base, () => {})
  } finally {
    await cluster.stop()
  }
}

/** A folder that the container may write, with a configuration for the repository in /repository. */
async function writeOwn(name: string): Promise<string> {
  const own = join(folder, name)
  await mkdir(own)
  await chmod(own, 0o777)
  const text = `repository: { name: ${name}, url: "file:///repository" }
ledger: { sync: none, file: ledger.sqlite }
engines: [{ name: server, kind: distribution, version: ${sourceVersion}, home: /usr/share/elasticsearch, heapMb: 512 }]
work: { folder: work }
metrics: { enabled: false }
`
  await writeFile(join(own, 'snapproof.yaml'), text)
  return own
}
