import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configForUrl, type LoadOptions, loadConfig } from '../../src/config/load.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { isSnapproofError, type SnapproofError } from '../../src/errors.ts'

const minimal = `repository:
  name: production
  url: s3://snapshots/base/
ledger:
  sync: none
engines:
  - name: es9
    kind: maven
    version: 9.5.3
`

function load(text: string, options: Partial<LoadOptions> = {}) {
  return loadConfig({ file: '/etc/snapproof/audit.yaml', environment: {}, readFile: async () => text, ...options })
}

async function errorOf(text: string, options: Partial<LoadOptions> = {}): Promise<SnapproofError> {
  const error: unknown = await load(text, options).then(
    () => new Error('was accepted'),
    reason => reason,
  )
  if (!isSnapproofError(error, 'configuration')) throw error
  expect(error.exitCode).toBe(64)
  return error
}

describe('a valid file', () => {
  test('gets the documented defaults', async () => {
    expect(await load(minimal)).toEqual({
      repository: { name: 'production', url: 's3://snapshots/base', region: null, endpointUrl: null, pathStyle: null },
      ledger: { store: null, file: '/etc/snapproof/.snapproof/production.sqlite', leaseSeconds: 120 },
      output: { folder: '/etc/snapproof/.snapproof/runs', store: null, keepEvidenceDays: null },
      rules: [],
      engines: [
        {
          ...{ name: 'es9', kind: 'maven', product: 'elasticsearch', version: '9.5.3', home: null, heapMb: 1024 },
          ...{ image: null, command: null, memoryMb: null, network: null, readOnly: true },
          ...{
            url: null,
            clusterName: null,
            repositoryFolder: null,
            authorizationFile: null,
            authorizationVariable: null,
          },
        },
      ],
      policy: {
        startMs: null,
        restoreNewestWithinDays: 7,
        restoreEveryContentWithinDays: 180,
        restoreWholeWithinSeconds: null,
        bytesWithinDays: 90,
        credit: 'shared',
        accepted: [],
        sample: { contents: null, confidence: 95 },
      },
      baselines: {
        after: 5,
        settleMs: 604_800_000,
        timeField: '@timestamp',
        thresholds: {
          documentsPercent: 50,
          bytesPercent: 80,
          jumpTimes: 10,
          frozenPauses: 2,
          mapping: true,
          behindTimes: 2,
          severity: {
            emptied: 'error',
            shrunk: 'warning',
            frozen: 'warning',
            jumped: 'warning',
            mapping: 'warning',
            behind: 'warning',
          },
        },
        patterns: [],
      },
      limits: { snapshots: null, restoreBytes: null, durationSeconds: null, costUsd: null },
      costs: { prices: readPriceTable(), compute: null, transfer: 'same-region', kms: 'bucket-key', store: 's3' },
      work: {
        folder: '/etc/snapproof/.snapproof/work',
        requests: 32,
        contents: 2,
        restoreTimeoutSeconds: 600,
        engineStartSeconds: 180,
        freshStarts: 3,
        deep: false,
        source: 'mirror',
        chainFrom: 1_073_741_824,
        maxMetadataBytes: 268_435_456,
      },
      metrics: { enabled: true, region: null, endpointUrl: null },
      notify: {
        topicArn: null,
        endpointUrl: null,
        ping: { url: null },
        webhook: { url: null, headerVariable: null },
        plainHttp: false,
      },
      seal: null,
      failOn: 'error',
    })
  })

  test('is frozen to the leaves', async () => {
    const config = await load(minimal)
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.engines[0])).toBe(true)
    expect(Object.isFrozen(config.policy.accepted)).toBe(true)
  })

  test('reads every kind of value; relative paths start at its folder', async () => {
    const config = await load(`
repository: { name: a, url: 'file:///mnt/repository', region: eu-central-1, pathStyle: true }
ledger: { url: 's3://ledgers/a/', endpointUrl: 'http://127.0.0.1:9000', file: ../ledger.sqlite, leaseSeconds: 90 }
output: { folder: /srv/out, url: file:///srv/copies }
engines:
  - { name: a, kind: distribution, version: 8.19.2, home: es8 }
  - { name: b, kind: distribution, product: opensearch, version: 3.1.0, home: /os3, heapMb: 512 }
policy:
  start: 2026-01-01
  restore: { newestWithin: 36h, everyContentWithin: 90d, wholeWithin: 4h }
  accepted:
    - { code: missing-data-blob, until: 2026-06-30, reason: gone, approver: dora }
limits: { snapshots: 2, restoreBytes: 1.5 GiB, duration: 1h30m }
work: { maxMetadataBytes: 1000000 }
metrics: { enabled: false }
failOn: warning
`)
    expect(config.repository).toMatchObject({ url: 'file:///mnt/repository', region: 'eu-central-1', pathStyle: true })
    expect(config.ledger).toMatchObject({ file: '/etc/ledger.sqlite', leaseSeconds: 90 })
    expect(config.ledger.store).toMatchObject({ url: 's3://ledgers/a', endpointUrl: 'http://127.0.0.1:9000' })
    expect(config.output).toMatchObject({ folder: '/srv/out', store: { url: 'file:///srv/copies' } })
    expect(config.engines.map(({ home }) => home)).toEqual(['/etc/snapproof/es8', '/os3'])
    expect(config.policy).toMatchObject({
      startMs: Date.UTC(2026, 0, 1),
      restoreNewestWithinDays: 1.5,
      restoreWholeWithinSeconds: 14_400,
    })
    expect(config.policy.accepted).toEqual([
      {
        code: 'missing-data-blob',
        snapshot: '*',
        index: '*',
        untilMs: Date.UTC(2026, 6, 1),
        reason: 'gone',
        approver: 'dora',
      },
    ])
    expect(config.limits).toEqual({ snapshots: 2, restoreBytes: 1_610_612_736, durationSeconds: 5400, costUsd: null })
    expect(config.work.maxMetadataBytes).toBe(1_000_000)
    expect(config.metrics.enabled).toBe(false)
    expect(config.failOn).toBe('warning')
  })

  test('may have sections whose keys are all commented out', async () => {
    const config = await load(`${minimal}limits:\n  # snapshots: 2\npolicy:\n  restore:\n`)
    expect(config.limits.snapshots).toBeNull()
    expect(config.policy.restoreNewestWithinDays).toBe(7)
  })

  test('the example holds every key and is valid as it stands', async () => {
    const config = await loadConfig({ file: 'config/snapproof.example.yaml', environment: {} })
    expect(config.repository.name).toBe('production')
    expect(config.ledger.file).toBe(resolve('config/.snapproof/production.sqlite'))
    expect(config.engines).toHaveLength(4)
  })
})

describe('errors', () => {
  test('come all at once, each with its place, its path, the value got and the values allowed', async () => {
    const { message } = await errorOf(`repository:
  name: production
  url: https://example.com
  regoin: eu-central-1
ledger:
  sync: none
engines:
  - name: es9
    kind: docker
    version: 9.5
limits:
  restore_bytes: 5
  restoreBytes: 5 GiBB
policy:
  restore:
    newestWithin: 7
  accepted:
    - code: missing-blob
      until: 2026-02-30
failOn: everything
`)
    const lines = message.split('\n').map(line => line.trim().replace('/etc/snapproof/audit.yaml', 'audit.yaml'))
    expect(lines).toHaveLength(13)
    expect(lines.slice(0, 9)).toEqual([
      'The configuration has 12 errors:',
      'audit.yaml:3:8: repository.url: got "https://example.com"; allowed: s3://bucket/base/path or file:///absolute/path',
      'audit.yaml:4:3: repository.regoin: no such key; did you mean region?',
      'audit.yaml:9:11: engines[0].kind: got "docker"; allowed: maven, distribution, container, endpoint',
      'audit.yaml:10:14: engines[0].version: got 9.5; allowed: a version such as 9.5.3',
      'audit.yaml:12:3: limits.restore_bytes: no such key; did you mean restoreBytes?',
      'audit.yaml:13:17: limits.restoreBytes: got "5 GiBB"; allowed: a size such as 500GiB, 20 MB (1 MB is 1,000,000 bytes) or a whole number of bytes, at least 1 byte',
      'audit.yaml:16:19: policy.restore.newestWithin: got 7; allowed: a duration such as 30s, 90m, 4h, 1h30m, 7d, 2w or a number of seconds, at least 1h',
      expect.stringMatching(/^audit\.yaml:18:7: policy\.accepted\[0\]\.reason: got nothing; allowed: /),
    ])
    expect(lines[9]).toMatch(/policy\.accepted\[0\]\.approver: got nothing/)
    expect(lines[10]).toMatch(
      /^audit\.yaml:18:13: policy\.accepted\[0\]\.code: got "missing-blob"; allowed: unreadable-/,
    )
    expect(lines[11]).toMatch(
      /^audit\.yaml:19:14: policy\.accepted\[0\]\.until: got "2026-02-30"; allowed: an ISO date/,
    )
    expect(lines[12]).toBe('audit.yaml:20:9: failOn: got "everything"; allowed: error, warning')
  })

  test.each([
    ['an empty file', '', /audit\.yaml: got nothing; allowed: a mapping/],
    ['a list', '- a', /got \["a"\]; allowed: a mapping/],
    ['broken YAML', 'repository: {\nname: a', /audit\.yaml:2:\d+: not YAML/],
    ['a key twice', `${minimal}failOn: error\nfailOn: warning\n`, /audit\.yaml:11:1: not YAML: .*unique/],
    ['an unknown tag', `${minimal}failOn: !!js/function x\n`, /audit\.yaml:10:9: not YAML/],
    [
      'a section that is no mapping',
      `${minimal}limits: 5\n`,
      /:10:9: limits: got 5; allowed: a mapping with the keys snap/,
    ],
    [
      'a key of another section',
      `${minimal}snapshots: 5\n`,
      /:10:1: snapshots: no such key; .* did you mean rules\[\]\.snapshots or limits\.snapshots\?/,
    ],
    ['a prototype', `${minimal}__proto__: { failOn: warning }\n`, /__proto__: no such key/],
    [
      'an infinite number',
      `${minimal}limits: { restoreBytes: .inf }\n`,
      /limits\.restoreBytes: got .*; allowed: a size/,
    ],
    ['no repository', minimal.replace(/repository:\n.*\n.*\n/, ''), /repository: got nothing; allowed: a mapping/],
    [
      'no engine',
      minimal.replace(/engines:[\s\S]*/, 'engines: []'),
      /engines: got \[\]; allowed: a list of at least one/,
    ],
    ['a multi-document file', `${minimal}---\na: 1\n`, /not YAML/],
  ])('%s', async (_, text, message) => {
    expect((await errorOf(text)).message).toMatch(message)
  })

  test('a bomb of references is refused, not unfolded', async () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i}: &l${i} [${`*l${i - 1}, `.repeat(i === 0 ? 0 : 10)}x]`)
    expect((await errorOf(levels.join('\n'))).message).toMatch(/not YAML that can be read/)
  })

  test('a file that cannot be read says what to do', async () => {
    const error = await loadConfig({ file: '/nowhere/x.yaml', environment: {} }).catch(reason => reason)
    expect(isSnapproofError(error, 'configuration')).toBe(true)
    expect(error.message).toMatch(/cannot read the configuration \/nowhere\/x\.yaml: .*ENOENT/)
    expect(error.advice).toMatch(/--config/)
  })

  test('a real file is read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'snapproof-config-'))
    try {
      await writeFile(join(folder, 'a.yaml'), minimal)
      const config = await loadConfig({ file: 'a.yaml', environment: {}, workingFolder: folder })
      expect(config.work.folder).toBe(join(folder, '.snapproof/work'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('secrets', () => {
  test('keys that ask for credentials are refused and their values not repeated', async () => {
    const { message } = await errorOf(
      minimal.replace('ledger:', '  accessKeyId: AKIAABCDEFGHIJKLMNOP\n  secretAccessKey: hunter2\nledger:'),
    )
    expect(message).toMatch(/:4:3: repository\.accessKeyId: no credentials here: the default credential chain/)
    expect(message).toMatch(/:5:3: repository\.secretAccessKey: no credentials here/)
    expect(message).not.toMatch(/hunter2|AKIA|no such key/)
  })

  test('values that hold one are refused and not repeated', async () => {
    const { message } = await errorOf(
      minimal.replace('name: prod', 'endpointUrl: http://dora:hunter2@minio:9000\n  name: prod'),
    )
    expect(message).toMatch(/repository\.endpointUrl: holds a credential/)
    expect(message).not.toMatch(/hunter2|dora/)
  })
})

describe('the environment', () => {
  test('beats the file, and flags beat it', async () => {
    const environment = {
      SNAPPROOF_LIMITS_RESTORE_BYTES: '2 GiB',
      SNAPPROOF_LIMITS_SNAPSHOTS: '7',
      SNAPPROOF_METRICS_ENABLED: 'false',
      SNAPPROOF_POLICY_RESTORE_NEWEST_WITHIN: '2d',
      SNAPPROOF_OUTPUT_FOLDER: 'out',
      SNAPPROOF_CONFIG: 'ignored here',
      SNAPPROOF_EXTRA_FIXTURES: 'ignored here',
      SNAPPROOF_WORK_CONTENTS: '',
      PATH: '/bin',
    }
    const overrides = { 'limits.snapshots': 3, failOn: 'warning', 'repository.region': undefined }
    const config = await load(`${minimal}limits: { snapshots: 1 }\n`, {
      environment,
      overrides,
      workingFolder: '/here',
    })
    expect(config.limits).toEqual({ snapshots: 3, restoreBytes: 2 ** 31, durationSeconds: null, costUsd: null })
    expect(config.metrics.enabled).toBe(false)
    expect(config.policy.restoreNewestWithinDays).toBe(2)
    expect(config.output.folder).toBe('/here/out')
    expect(config.work.contents).toBe(2)
    expect(config.failOn).toBe('warning')
  })

  test('none takes a limit of the file away', async () => {
    const environment = { SNAPPROOF_LIMITS_SNAPSHOTS: 'none' }
    const config = await load(`${minimal}limits: { snapshots: 1 }\n`, { environment })
    expect(config.limits.snapshots).toBeNull()
  })

  test('a ledger URL replaces sync: none of the file, and the other way round', async () => {
    const inBucket = await load(minimal, { environment: { SNAPPROOF_LEDGER_URL: 's3://ledgers/a' } })
    expect(inBucket.ledger.store?.url).toBe('s3://ledgers/a')
    const text = minimal.replace('sync: none', 'url: s3://ledgers/a')
    expect((await load(text)).ledger.store?.url).toBe('s3://ledgers/a')
    expect((await load(text, { overrides: { 'ledger.sync': 'none' } })).ledger.store).toBeNull()
  })

  test('is named in errors; unknown variables are errors and their values not repeated', async () => {
    const { message } = await errorOf(minimal, {
      environment: {
        SNAPPROOF_LIMITS_DURATION: 'soon',
        SNAPPROOF_LIMIT_SNAPSHOTS: 'hunter2',
        SNAPPROOF_ENGINES_0_HOME: 'hunter2',
      },
      overrides: { 'limits.snapshots': 0, 'limits.snapshot': 1 },
    })
    expect(message).toMatch(/environment SNAPPROOF_LIMITS_DURATION: limits\.duration: got "soon"; allowed: a duration/)
    expect(message).toMatch(
      /environment SNAPPROOF_LIMIT_SNAPSHOTS: no such variable; did you mean SNAPPROOF_LIMITS_SNAPSHOTS\?/,
    )
    expect(message).toMatch(/environment SNAPPROOF_ENGINES_0_HOME: no such variable/)
    expect(message).toMatch(/flag limits\.snapshots: limits\.snapshots: got 0; allowed: a whole number from 1/)
    expect(message).toMatch(/flag limits\.snapshot: no such key; did you mean limits\.snapshots\?/)
    expect(message).not.toMatch(/hunter2/)
  })
})

describe('rules between keys', () => {
  const withStore = (repository: string, section: string) =>
    minimal.replace('s3://snapshots/base/', repository).replace('ledger:\n  sync: none\n', section)

  test.each([
    [
      'the ledger in the repository',
      's3://snapshots/base',
      'ledger: { url: s3://snapshots/base }\n',
      /ledger\.url: got "s3/,
    ],
    ['the ledger below it', 's3://snapshots/base/', 'ledger: { url: s3://snapshots/base//x/ }\n', /ledger\.url/],
    ['the ledger below a bucket', 's3://snapshots', 'ledger: { url: s3://snapshots/ledger }\n', /ledger\.url/],
    [
      'the output below it',
      's3://snapshots/base',
      'ledger: { sync: none }\noutput: { url: s3://snapshots/base/o }\n',
      /output\.url/,
    ],
    ['a local ledger below it', 'file:///etc/snapproof/', 'ledger: { sync: none }\n', /ledger\.file.*never written to/],
    [
      'a local output below it',
      'file:///mnt/r',
      'ledger: { sync: none }\noutput: { folder: /mnt/x/../r/o }\n',
      /output\.folder/,
    ],
    ['an escaped path below it', 'file:///mnt/r', 'ledger: { url: file:///mnt/%72/l }\n', /ledger\.url/],
    ['no ledger at all', 's3://snapshots/base', '', /ledger\.url: got nothing; allowed: .*sync: none/],
    [
      'two ledgers',
      's3://snapshots/base',
      'ledger: { url: s3://l/l1l, sync: none }\n',
      /ledger\.sync: none contradicts|bucket/,
    ],
  ])('%s', async (_, repository, section, message) => {
    expect((await errorOf(withStore(repository, section))).message).toMatch(message)
  })

  test.each([
    ['a neighbour with the same beginning', 's3://snapshots/base', 'ledger: { url: s3://snapshots/base-ledger }\n'],
    ['a place above it', 's3://snapshots/base', 'ledger: { url: s3://snapshots/ledger }\n'],
    ['another bucket', 's3://snapshots', 'ledger: { url: s3://snapshots-ledger/x }\n'],
  ])('%s is fine', async (_, repository, section) => {
    expect((await load(withStore(repository, section))).ledger.store).not.toBeNull()
  })

  test('engines', async () => {
    const { message } = await errorOf(`${minimal}  - { name: es9, kind: distribution, version: 9.5.3 }
  - { name: c, kind: maven, version: 9.5.3, home: /x }
`)
    expect(message).toMatch(
      /:10:13: engines\[1\]\.name: got "es9", the name of engines\[0\]; allowed: a name of its own/,
    )
    expect(message).toMatch(/engines\[1\]\.home: got nothing; allowed: the folder with bin\/elasticsearch/)
    expect(message).toMatch(/:11:51: engines\[2\]\.home: got "\/x"; allowed: nothing: only kind distribution has it/)
  })

  test('keys of containers and endpoints', async () => {
    const { message } = await errorOf(`${minimal}  - { name: a, kind: endpoint, version: 9.5.3, memoryMb: 600 }
  - { name: b, kind: container, version: 9.5.3, url: 'http://x:9200', image: 'has a space' }
  - { name: c, kind: endpoint, version: 9.5.3, url: 'http://user:secret@x', clusterName: c, repositoryFolder: relative,
      authorizationFile: f, authorizationVariable: SNAPPROOF_X }
`)
    for (const expected of [
      /engines\[1\]\.url: got nothing; allowed: http:\/\/host:port/,
      /engines\[1\]\.clusterName: got nothing; allowed: the name of the cluster at url, repeated/,
      /engines\[1\]\.repositoryFolder: got nothing/,
      /engines\[1\]\.memoryMb: got 600; allowed: nothing: only kind container has it/,
      /engines\[2\]\.url: got "http:\/\/x:9200"; allowed: nothing: only kind endpoint has it/,
      /engines\[2\]\.image: got "has a space"/,
      /engines\[3\]\.url: holds a credential/,
      /engines\[3\]\.repositoryFolder: got "relative"; allowed: an absolute path/,
      /engines\[3\]\.authorizationVariable: got "SNAPPROOF_X"; allowed: one of/,
      /engines\[3\]\.authorizationVariable: got "SNAPPROOF_X"; allowed: a name that does not begin/,
    ])
      expect(message).toMatch(expected)
    expect(message).not.toContain('secret@')
  })

  test('paths of engines start at the folder of the file; a bare command is looked for on the PATH', async () => {
    const config = await load(`${minimal}  - { name: a, kind: container, version: 9.5.3, command: podman }
  - { name: b, kind: container, version: 9.5.3, command: bin/docker }
  - { name: c, kind: endpoint, version: 9.5.3, url: 'http://x:9200', clusterName: c, repositoryFolder: /r, authorizationFile: key }
`)
    expect(config.engines.slice(1).map(({ command, authorizationFile }) => command ?? authorizationFile)).toEqual([
      'podman',
      '/etc/snapproof/bin/docker',
      '/etc/snapproof/key',
    ])
  })
})

describe('configForUrl', () => {
  test('needs nothing but the URL', () => {
    const config = configForUrl('s3://snapshots/base/path/', { temporaryFolder: '/tmp/x', workingFolder: '/here' })
    const own = dirname(config.work.folder)
    expect(own).toMatch(/^\/tmp\/x\/snapproof-[\da-f-]{36}$/)
    expect(config).toMatchObject({
      repository: { name: 'snapshots-base-path', url: 's3://snapshots/base/path', region: null },
      ledger: { store: null, file: `${own}/ledger.sqlite` },
      output: { folder: `${own}/runs` },
      work: { folder: `${own}/work`, requests: 32 },
      engines: [{ kind: 'maven', product: 'elasticsearch' }],
      metrics: { enabled: false },
    })
  })

  test('remembers nothing of another run', () => {
    const make = () => configForUrl('s3://snapshots', { temporaryFolder: '/tmp' }).ledger.file
    expect(make()).not.toBe(make())
  })

  test('takes flags and the environment', () => {
    const config = configForUrl('file:///mnt/r', {
      temporaryFolder: '/tmp',
      workingFolder: '/here',
      ledgerFile: 'l.sqlite',
      region: 'eu-west-1',
      endpointUrl: 'http://127.0.0.1:9000',
      pathStyle: true,
      environment: { SNAPPROOF_WORK_REQUESTS: '4' },
      overrides: { 'work.contents': 1 },
    })
    expect(config.repository).toMatchObject({ name: 'mnt-r', region: 'eu-west-1', pathStyle: true })
    expect(config.ledger.file).toBe('/here/l.sqlite')
    expect(config.work).toMatchObject({ requests: 4, contents: 1 })
  })

  test.each(['', 'bucket', 'https://x', 's3://', 's3:///x', 'file://host/x', 's3://u:hunter2@bucket/x'])(
    'refuses %j',
    url => {
      const make = () => configForUrl(url, { temporaryFolder: '/tmp' })
      expect(make).toThrow(/arguments: repository\.url: (got|holds)/)
      expect(make).not.toThrow(/hunter2/)
    },
  )
})
