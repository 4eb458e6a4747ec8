/** What an engine is told apart by: names on a cluster that is not ours, addresses, arguments of a container. */
import { describe, expect, it } from 'vitest'
import { clusterAnswer } from '../../src/engine/answers.ts'
import { containerArguments, containerSettings, imageOf, memoryLimitMb } from '../../src/engine/containerArguments.ts'
import { isForeign, isLeftover, ownPrefix } from '../../src/engine/ownNames.ts'
import { prefixedEngine } from '../../src/engine/prefixed.ts'
import type { EngineOptions } from '../../src/engine/start.ts'
import { isInSubnet } from '../../src/engine/subnet.ts'
import { fakeEngine } from '../support/fakes.ts'

const owner = { runId: '20261123T194254Z-1a2b3c4d', host: 'here', pid: 42 }
const day = 86_400_000

describe('names on a cluster that somebody else runs', () => {
  it.each([
    'orders',
    'snapproof',
    'snapproof-orders',
    'snapproof-x.y',
    '.kibana_1',
    'xsnapproof-a.0123abcd.1.x',
    '.ds-logs-1',
  ])('%s is not ours', name => expect(isForeign(name)).toBe(true))
  it.each(['.security-7', '.geoip_databases', '.opendistro_security', '.ds-ilm-history-7-2026.01.01-000001'])(
    '%s is the server’s own',
    name => expect(isForeign(name)).toBe(false),
  )
  it('ours are, and are dead with their process, or after a day where that was elsewhere', async () => {
    const name = async (over: Partial<typeof owner>) => `${await ownPrefix({ ...owner, ...over })}audit-1`
    const isDead = await isLeftover(owner, pid => pid === 7, 10 * day)
    expect(isForeign(await name({}))).toBe(false)
    expect(isDead(await name({}), 0)).toBe(false)
    expect(isDead(await name({ pid: 7 }), 0)).toBe(false)
    expect(isDead(await name({ pid: 8 }), 10 * day)).toBe(true)
    expect(isDead(await name({ host: 'there', pid: 8 }), 9.5 * day)).toBe(false)
    expect(isDead(await name({ host: 'there', pid: 7 }), 8 * day)).toBe(true)
    expect(isDead(await name({ host: 'there', pid: 8 }), null)).toBe(false)
    expect(isDead('orders', 0)).toBe(false)
  })
})

it('no feature state is restored into a cluster of somebody else', async () => {
  const { signal } = new AbortController()
  const engine = fakeEngine('theirs', { features: ['kibana', 'security'] })
  expect(await prefixedEngine(engine, 'snapproof-x.').features(signal)).toEqual(new Set())
})

it('subnets', () => {
  expect(isInSubnet('10.89.0.3', '10.89.0.1/24')).toBe(true)
  expect(isInSubnet('10.89.1.3', '10.89.0.1/24')).toBe(false)
  expect(isInSubnet('10.89.1.3', '10.88.0.1/15')).toBe(true)
  expect(isInSubnet('1.2.3.4', '0.0.0.0/0')).toBe(true)
  for (const [address, cidr] of [
    ['10.0.0.1', 'fe80::1/64'],
    ['::1', '::1/128'],
    ['10.0.0.1', '10.0.0.1/33'],
    ['10.0.0.1', '10.0.0.1'],
    ['', ''],
  ] as const)
    expect(isInSubnet(address, cidr)).toBe(false)
})

describe('a container', () => {
  const options = { heapMb: 1024, version: '3.3.0', repositoryFolder: '/work' } as EngineOptions
  it('is the official image unless another is configured, and may use twice its heap', () => {
    expect(imageOf({ version: '9.5.3' })).toBe('docker.elastic.co/elasticsearch/elasticsearch:9.5.3')
    expect(imageOf({ product: 'opensearch', version: '3.3.0' })).toBe('docker.io/opensearchproject/opensearch:3.3.0')
    expect(imageOf({ version: '9.5.3', image: 'mine@sha256:1' })).toBe('mine@sha256:1')
    expect(memoryLimitMb(options)).toBe(2560)
    expect(memoryLimitMb({ heapMb: 1024, memoryMb: 1500 })).toBe(1500)
  })
  it('of OpenSearch installs no demo, switches security off where it is, and is reached over HTTP alone', () => {
    const inside = {
      product: 'opensearch',
      home: '/usr/share/opensearch',
      modules: new Set(['opensearch-security']),
    } as const
    const settings = containerSettings(inside, '/snapproof', null)
    expect(settings.get('plugins.security.disabled')).toBe('true')
    expect([settings.get('network.host'), settings.get('http.host')]).toEqual(['127.0.0.1', '0.0.0.0'])
    const made = { name: 'n', image: 'i', inside, labels: [], settings, mountedAt: '/snapproof', options }
    const internal = containerArguments({ ...made, network: 'internal' }).join(' ')
    expect(internal).toContain('--network n ')
    expect(internal).not.toContain('--publish')
    expect(internal).toContain('--env DISABLE_INSTALL_DEMO_CONFIG=true')
    expect(internal).toContain('--mount type=bind,source=/work,target=/snapproof,readonly')
    const published = containerArguments({
      ...made,
      network: 'published',
      options: { ...options, readOnly: false },
    }).join(' ')
    expect(published).toContain('--publish 127.0.0.1::9200')
    expect(published).not.toContain('--read-only')
  })
})

it('what answers says what it is, or is told by what its nodes lack', () => {
  const health = { cluster_name: 'c' }
  const node = (over: object) => ({ nodes: { a: { version: '3.3.0', ...over } } })
  expect(clusterAnswer(health, node({}), { version: { distribution: 'opensearch' } }).product).toBe('opensearch')
  expect(clusterAnswer(health, node({}), null).product).toBe('opensearch')
  expect(clusterAnswer(health, node({ build_flavor: 'default' }), null).product).toBe('elasticsearch')
  const full = node({ build_flavor: 'default', modules: [{ name: 'x-pack-core' }], index_version: 5 })
  expect(clusterAnswer(health, full, { version: { number: '9.5.3' } })).toEqual({
    name: 'c',
    product: 'elasticsearch',
    versions: ['3.3.0'],
    indexVersion: 5,
    xpack: true,
  })
  expect(() => clusterAnswer(health, { nodes: {} }, null)).toThrow(expect.objectContaining({ code: 'engine-request' }))
})
