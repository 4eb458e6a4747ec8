import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOurName, nodeSettings, restoreBody, unsafeName } from '../../src/engine/settings.ts'

const folders = {
  root: '/w',
  data: '/w/data',
  logs: '/w/logs',
  temp: '/w/temp',
  repositories: '/w/repositories',
  config: '/w/config',
}

function settings(input: Partial<Parameters<typeof nodeSettings>[0]> = {}): Map<string, string> {
  return nodeSettings({
    product: 'elasticsearch',
    folders,
    clusterName: 'snapproof-x',
    modules: new Set(),
    memoryMaps: null,
    ...input,
  })
}

describe('nodeSettings', () => {
  it('keeps the server on loopback, alone, unthrottled, with ports of the system’s choice', () => {
    expect(Object.fromEntries(settings())).toMatchObject({
      'network.host': '127.0.0.1',
      'http.port': '0',
      'transport.port': '0',
      'discovery.type': 'single-node',
      'path.repo': '/w/repositories',
      'action.destructive_requires_name': 'true',
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      'indices.recovery.max_bytes_per_sec': '-1',
    })
  })

  it('turns memory maps off only where the kernel allows too few', () => {
    expect(settings({ memoryMaps: 65_530 }).get('node.store.allow_mmap')).toBe('false')
    expect(settings({ memoryMaps: 262_144 }).has('node.store.allow_mmap')).toBe(false)
    expect(settings({ memoryMaps: null }).has('node.store.allow_mmap')).toBe(false)
  })

  it('names a module’s settings only where the module is there: unknown settings end a start', () => {
    expect([...settings().keys()].filter(key => key.startsWith('xpack') || key.startsWith('ingest'))).toEqual([])
    const modules = new Set(['x-pack-security', 'x-pack-ml', 'ingest-geoip'])
    expect(Object.fromEntries(settings({ modules }))).toMatchObject({
      'xpack.security.enabled': 'false',
      'xpack.ml.enabled': 'false',
      'ingest.geoip.downloader.enabled': 'false',
    })
    const opensearch = settings({ product: 'opensearch', modules: new Set(['opensearch-security']) })
    expect(opensearch.get('plugins.security.disabled')).toBe('true')
  })
})

describe('restoreBody', () => {
  it('asks for one whole index under our name and nothing else', () => {
    const body = restoreBody({ product: 'elasticsearch', index: '.ds-logs-2026', target: 'audit-1' })
    expect(body).toMatchObject({
      indices: ['.ds-logs-2026'],
      include_global_state: false,
      include_aliases: false,
      feature_states: ['none'],
      partial: false,
      rename_replacement: 'audit-1',
    })
    expect(body.index_settings).toMatchObject({ 'index.number_of_replicas': 0, 'index.allocation.max_retries': 0 })
    expect('anything-at-all'.replaceAll(new RegExp(String(body.rename_pattern), 'g'), 'X')).toBe('X')
  })

  it('sends what lets one node hold it alone, and takes nothing over that hinders a look or a drop', () => {
    const body = restoreBody({ product: 'elasticsearch', index: 'a', target: 'b' })
    expect(body.index_settings).toEqual({
      'index.number_of_replicas': 0,
      'index.auto_expand_replicas': false,
      'index.refresh_interval': '-1',
      'index.merge.policy.segments_per_tier': 1000,
      'index.allocation.max_retries': 0,
    })
    expect(body.ignore_index_settings).toEqual([
      'index.routing.allocation.*',
      'index.lifecycle.*',
      'index.plugins.index_state_management.*',
      'index.opendistro.index_state_management.*',
      'index.search.throttled',
      'index.frozen',
      'index.blocks.read',
      'index.blocks.metadata',
      'index.blocks.read_only',
      'index.blocks.read_only_allow_delete',
    ])
  })

  it('asks for CheckIndex when it is to look deep, also over a closed index', () => {
    const start = (more: object) =>
      (restoreBody({ product: 'opensearch', index: 'a', target: 'b', ...more }).index_settings as object)[
        'index.shard.check_on_startup' as never
      ]
    expect([start({}), start({ checksumAtStart: true }), start({ deep: true })]).toEqual([
      undefined,
      'checksum',
      'true',
    ])
    expect(start({ deep: true, checksumAtStart: true })).toBe('true')
  })

  it('restores the state of a feature under its own names, closed to a server that tidies up in it', () => {
    const feature = { index: '.tasks', target: '.tasks', feature: 'tasks' }
    const body = restoreBody({ product: 'elasticsearch', ...feature })
    expect(body).toMatchObject({
      indices: ['-*'],
      feature_states: ['tasks'],
      include_global_state: false,
      include_aliases: false,
      partial: true,
    })
    expect(body).not.toHaveProperty('rename_pattern')
    expect(body.index_settings).toMatchObject({ 'index.blocks.write': true, 'index.number_of_replicas': 0 })
  })

  it('leaves out what OpenSearch refuses', () => {
    expect(restoreBody({ product: 'opensearch', index: 'a', target: 'b' })).not.toHaveProperty('feature_states')
  })
})

describe('unsafeName', () => {
  it.each(['logs', '.ds-logs-2026.01.01-000001', 'größe', 'a:b', 'logs_1', 'a&b=c', 'ä'.repeat(127)])(
    'passes %s',
    name => {
      expect(unsafeName(name)).toBeNull()
    },
  )
  it.each([
    '',
    '*',
    'log*',
    'a,b',
    '-logs',
    '+logs',
    '_all',
    '<logs-{now/d}>',
    'a b',
    'a/b',
    'a\\b',
    'a?',
    'a#b',
    '..',
    'a\n',
    'ä'.repeat(128),
  ])('refuses %j', name => {
    expect(unsafeName(name)).not.toBeNull()
  })
  it('passes nothing in which a server sees a pattern, a list or an exclusion', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), name => {
        if (unsafeName(name) !== null) return
        expect(name).not.toMatch(/[*?,<>\s/\\]|^[-+_]|^$/)
      }),
      { seed: 3, numRuns: 2_000 },
    )
  })
})

it('isOurName accepts no name that has a meaning in a URL, a pattern or a replacement', () => {
  expect(['audit-1', 'a', 'r.2_b'].every(isOurName)).toBe(true)
  expect(['', 'A', '-a', '_a', '.a', 'a$1', 'a*', 'a/b', 'a..b', 'a\\b', 'a'.repeat(201)].some(isOurName)).toBe(false)
})
