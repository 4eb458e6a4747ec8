/**
 * One repository with every odd index that a bare server can hold, audited in one night by the server that wrote it, which still
 * holds the originals: names and aliases collide wherever a restore is not renamed and stripped.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceVersion } from '../../infra/local/cluster.ts'
import {
  type Bench,
  type BenchEngine,
  errorsOf,
  type Night,
  openBench,
  restoreOf,
  snapshotOf,
  triedOf,
} from '../support/auditRun.ts'
import { bendMetadata, bendRoot, type OddIndex, OddServer, withMapping, withSettings } from '../support/oddIndices.ts'
import { inspectFolder } from '../support/repositoryFiles.ts'

const pass = 'pass proven'
const lacks = 'inconclusive engine-lacks'
const stopFilter = (filter: object) => ({
  analysis: { filter: { own: filter }, analyzer: { own: { tokenizer: 'standard', filter: ['own'] } } },
})
const ownAnalyzer = { properties: { words: { type: 'text', analyzer: 'own' } } }
const allocation = (key: string) => ({ [`index.routing.allocation.${key}.box`]: 'hot' })
const sorted = { properties: { number: { type: 'long' } } }

const everywhere: Record<string, OddIndex> = {
  plain: { expected: pass },
  closed: { expected: pass, closed: true },
  hidden: { expected: pass, settings: { hidden: true } },
  '.dotted': { expected: pass, settings: { hidden: true } },
  empty: { expected: pass, documents: [] },
  'empty-sharded': { expected: pass, documents: [], settings: { number_of_shards: 3 } },
  aliased: {
    expected: pass,
    aliases: { everything: { is_write_index: true }, filtered: { filter: { term: { number: 1 } }, routing: '1' } },
  },
  sorted: { expected: pass, settings: { sort: { field: 'number', order: 'desc' } }, mappings: sorted },
  analyzed: { expected: pass, settings: stopFilter({ type: 'stop', stopwords: ['the'] }), mappings: ownAnalyzer },
  nested: {
    expected: pass,
    mappings: { properties: { lines: { type: 'nested' } } },
    documents: [{ lines: [{ a: 1 }, { a: 2 }] }, { lines: [] }, { words: 'none' }],
  },
  sourceless: { expected: pass, mappings: { _source: { enabled: false }, _routing: { required: true } } },
  partitioned: {
    expected: pass,
    settings: { number_of_shards: 4, routing_partition_size: 2 },
    mappings: { _routing: { required: true } },
  },
  'many-shards': { expected: pass, settings: { number_of_shards: 12 } },
  replicated: { expected: pass, settings: { number_of_replicas: 2 } },
  expanded: { expected: pass, settings: { auto_expand_replicas: '1-all' } },
  required: { expected: pass, afterwards: allocation('require') },
  included: { expected: pass, afterwards: allocation('include') },
  excluded: { expected: pass, afterwards: { 'index.routing.allocation.exclude._name': 'snapproof' } },
  stuck: { expected: pass, afterwards: { 'index.routing.allocation.enable': 'none' } },
  spread: {
    expected: pass,
    settings: { number_of_shards: 3 },
    afterwards: { 'index.routing.allocation.total_shards_per_node': 1 },
  },
  tiered: {
    expected: pass,
    bend: withSettings({ 'index.routing.allocation.include._tier_preference': 'data_frozen' }),
  },
  'blocked-write': { expected: pass, afterwards: { 'index.blocks.write': true } },
  'blocked-read': { expected: pass, afterwards: { 'index.blocks.read': true } },
  'blocked-metadata': { expected: pass, afterwards: { 'index.blocks.metadata': true } },
  'read-only': { expected: pass, afterwards: { 'index.blocks.read_only': true } },
  'read-only-allow-delete': { expected: pass, afterwards: { 'index.blocks.read_only_allow_delete': true } },
  'blocked-altogether': {
    expected: pass,
    afterwards: {
      'index.blocks.read': true,
      'index.blocks.write': true,
      'index.blocks.read_only': true,
      'index.blocks.metadata': true,
    },
  },
  ['n'.repeat(255)]: { expected: pass },
  'größe-日本語-ñ%41&b=c;d': { expected: pass },
  managed: {
    expected: pass,
    bend: withSettings({
      'index.lifecycle.name': 'thirty-days',
      'index.lifecycle.rollover_alias': 'logs',
      'index.plugins.index_state_management.policy_id': 'p',
      'index.opendistro.index_state_management.policy_id': 'p',
    }),
  },
  unknown: { expected: pass, bend: withSettings({ 'index.made_up.by_a_plugin': 'true', 'index.knn': 'false' }) },
  frozen: { expected: pass, bend: withSettings({ 'index.frozen': 'true', 'index.search.throttled': 'true' }) },
  'over-limits': {
    expected: pass,
    afterwards: { 'index.mapping.total_fields.limit': 1, 'index.max_result_window': 1 },
  },
  'lacks-file': {
    expected: lacks,
    says: /stop.*file|stopwords_path/,
    settings: stopFilter({ type: 'stop', stopwords_path: 'stop.txt' }),
    mappings: ownAnalyzer,
  },
  'lacks-filter': {
    expected: lacks,
    says: /edge_ngram/,
    settings: stopFilter({ type: 'stop', stopwords: ['the'] }),
    mappings: ownAnalyzer,
    bend: withSettings({ 'index.analysis.filter.own.type': 'edge_ngram' }),
  },
  'lacks-tokenizer': {
    expected: lacks,
    says: /icu_tokenizer/,
    settings: stopFilter({ type: 'stop', stopwords: ['the'] }),
    mappings: ownAnalyzer,
    bend: withSettings({ 'index.analysis.analyzer.own.tokenizer': 'icu_tokenizer' }),
  },
  'lacks-similarity': {
    expected: lacks,
    says: /made_up/,
    bend: withSettings({ 'index.similarity.own.type': 'made_up' }),
  },
  'lacks-memory-maps': { expected: lacks, says: /mmapfs/, bend: withSettings({ 'index.store.type': 'mmapfs' }) },
  'lacks-store': { expected: lacks, says: /made_up/, bend: withSettings({ 'index.store.type': 'made_up' }) },
  'lacks-mapper': {
    expected: lacks,
    says: /annotated_text/,
    bend: withMapping({ properties: { words: { type: 'annotated_text' } } }),
  },
  'lacks-root-mapper': { expected: lacks, says: /_size/, bend: withMapping({ _size: { enabled: true } }) },
  'lacks-analyzer': {
    expected: lacks,
    says: /kuromoji/,
    bend: withMapping({ properties: { words: { type: 'text', analyzer: 'kuromoji' } } }),
  },
}

/** Shards that no node may have: the snapshot is PARTIAL. */
const partial: Record<string, OddIndex> = {
  half: {
    expected: 'inconclusive partial-at-source',
    settings: { number_of_shards: 2, 'routing.allocation.total_shards_per_node': 1 },
    documents: [],
  },
  lost: {
    expected: 'inconclusive partial-at-source',
    settings: { 'routing.allocation.require.box': 'nowhere' },
    documents: [],
  },
}

const mount = (settings: Record<string, string>) => ({
  'index.store.type': 'snapshot',
  'index.store.snapshot.repository_name': 'odd',
  'index.store.snapshot.index_name': 'plain',
  ...settings,
})

/** Not restored, and that is said. */
const elsewhere: Record<string, OddIndex> = {
  'mounted-here': {
    expected: 'not-applicable mounted',
    bend: (metadata, { snapshotUuid }) =>
      withSettings(mount({ 'index.store.snapshot.snapshot_uuid': snapshotUuid }))(metadata, { snapshotUuid }),
  },
  'mounted-elsewhere': {
    expected: 'not-applicable mounted',
    bend: withSettings(
      mount({
        'index.store.snapshot.repository_uuid': 'ANOTHER-REPOSITORY-OF-',
        'index.store.snapshot.snapshot_uuid': 'AAAAAAAAAAAAAAAAAAAAAA',
      }),
    ),
  },
  'mounted-nowhere': {
    expected: 'fail lower-level-failed',
    bend: metadata => {
      const { 'index.store.snapshot.repository_name': _, ...settings } = mount({
        'index.store.snapshot.snapshot_name': 'gone',
      }) as Record<string, string>
      Object.assign(metadata.settings as object, settings)
    },
  },
  'of-the-system': {
    expected: 'not-applicable system-index',
    bend: metadata => {
      metadata.system = true
    },
  },
}

const opensearch: Record<string, OddIndex> = {
  // OpenSearch 3.3.0 itself cannot restore an index with a sort order, from any snapshot: its own words, after a repeat.
  sorted: { ...everywhere.sorted, expected: 'fail found', says: /no parent document field configured/ },
}
const elasticsearch: Record<string, OddIndex> = {
  'time-series': {
    expected: pass,
    settings: {
      mode: 'time_series',
      routing_path: ['host'],
      'time_series.start_time': '2026-01-01T00:00:00Z',
      'time_series.end_time': '2027-01-01T00:00:00Z',
    },
    mappings: {
      properties: { '@timestamp': { type: 'date' }, host: { type: 'keyword', time_series_dimension: true } },
    },
    documents: [],
  },
}
const elasticsearch7: Record<string, OddIndex> = {
  compressed: { expected: pass, settings: { codec: 'best_compression' } },
  'hard-deletes': { expected: pass, settings: { 'soft_deletes.enabled': false } },
}

/** Where servers differ in what they say and do; all the rest is asked of one. */
function differing(indices: Record<string, OddIndex>): Record<string, OddIndex> {
  const names =
    /^(plain|closed|hidden|aliased|required|spread|blocked-read|blocked-altogether|read-only|managed|unknown|lacks-.*)$/
  return Object.fromEntries(Object.entries(indices).filter(([name]) => names.test(name)))
}

const engines: readonly (BenchEngine & { readonly indices: Record<string, OddIndex> })[] = [
  { product: 'elasticsearch', version: sourceVersion, indices: { ...everywhere, ...elasticsearch } },
  { product: 'opensearch', version: '3.3.0', indices: { ...differing(everywhere), ...opensearch } },
  { product: 'elasticsearch', version: '7.17.28', indices: { ...differing(everywhere), ...elasticsearch7 } },
]

describe.each(engines)('$product $version', engine => {
  const indices = { ...engine.indices, ...partial, ...elsewhere }
  const isOpensearch = engine.product === 'opensearch'
  let bench: Bench
  let server: OddServer
  let night: Night

  beforeAll(async () => {
    bench = await openBench({ product: engine.product, version: engine.version })
    server = new OddServer(bench)
    await server.writeStopwords()
    const repository = await server.createRepository('odd')
    await server.create(indices)
    if (isOpensearch) await writeStream()
    const uuid = await server.snapshot('odd', 'night', ['*'], { expand_wildcards: 'all', partial: true })
    await bendMetadata(repository, uuid, indices)
    await server.removeStopwords()
    night = await bench.night('odd', { repository: `file://${repository}`, settings: { 'work.contents': 4 } })
  })
  afterAll(() => bench?.close())

  async function writeStream(): Promise<void> {
    const template = { settings: { number_of_replicas: 0 } }
    await server.ask('PUT', '/_index_template/streams', { index_patterns: ['stream'], data_stream: {}, template })
    await server.bulk([{ create: { _index: 'stream' } }, { '@timestamp': '2026-11-23T00:00:00Z', words: 'the word' }])
    await server.ask('POST', '/stream/_rollover')
    await server.bulk([{ create: { _index: 'stream' } }, { '@timestamp': '2026-11-23T00:00:01Z', words: 'the word' }])
  }

  it('has the verdicts of the table', () => {
    const expected = Object.fromEntries(Object.entries(indices).map(([name, odd]) => [name, odd.expected]))
    if (isOpensearch) Object.assign(expected, { '.ds-stream-000001': pass, '.ds-stream-000002': pass })
    const rows = night.run.verdicts.filter(row => row.level === 'restore' && row.index !== null)
    const said = Object.fromEntries(rows.map(row => [row.index, `${row.verdict} ${row.reason}`]))
    expect(said).toEqual(expected)
  })

  it('says what is missing in the words of the server', () => {
    for (const [name, { says }] of Object.entries(indices)) {
      if (says === undefined) continue
      const row = night.run.restores.find(one => one.index === name)
      expect([name, row?.message]).toEqual([name, expect.stringMatching(says)])
      expect(row?.message).not.toMatch(/\n|\bat org\./)
    }
  })

  it('accuses nobody but the mount without its snapshot and what the server itself cannot restore', () => {
    const errors = errorsOf(night.run).map(finding => `${finding.index} ${finding.code}`)
    expect(errors.sort()).toEqual([
      'mounted-nowhere backing-snapshot-missing',
      ...(isOpensearch ? ['sorted restore-shard-failed'] : []),
    ])
  })

  it('judges the good indices of a PARTIAL snapshot, which never passes', () => {
    const { state, levels } = snapshotOf(night.run, 'night')
    expect(state).toBe('PARTIAL')
    expect(levels.restore?.verdict).toBe('fail')
    expect(levels.catalogue?.verdict).not.toBe('pass')
    expect(restoreOf(night.run, 'night', 'plain')).toBe(pass)
  })

  it('reads the bytes of what it cannot restore', () => {
    const row = night.run.verdicts.find(one => one.index === 'of-the-system' && one.level === 'bytes')
    expect(row).toMatchObject({ verdict: 'pass', method: 'read' })
    expect(night.run.limitsOfProof.join(' ')).toMatch(/[Cc]luster state/)
  })

  it('leaves nothing behind in the server', async () => {
    const { metadata } = await server.ask<{ metadata: { indices: Record<string, unknown> } }>(
      'GET',
      '/_cluster/state/metadata',
    )
    expect(Object.keys(metadata.indices).filter(name => name.startsWith('snapproof'))).toEqual([])
  })

  it.skipIf(engine.version.startsWith('7'))('leaves alone what no engine can restore, having asked once', async () => {
    const made = { '.made-up': elsewhere['of-the-system'] as OddIndex }
    const repository = await server.createRepository('foreign')
    await server.create(made)
    const uuid = await server.snapshot('foreign', 'night', ['.made-up'])
    await bendMetadata(repository, uuid, made)
    await bendRoot(repository, uuid, [{ feature_name: 'foreign', indices: ['.made-up'] }])
    const settings = { repository: `file://${repository}` }
    for (const tried of [['.made-up@night: inconclusive system-index'], []]) {
      const { run } = await bench.night('foreign', settings)
      expect(triedOf(run)).toEqual(tried)
      expect(restoreOf(run, 'night', '.made-up')).toBe('not-applicable system-index')
      expect(snapshotOf(run, 'night').levels.bytes?.verdict).toBe('pass')
      expect([run.exit.code, run.debt.contents, run.findings]).toEqual([0, 0, []])
      if (tried.length > 0) expect(run.restores[0]?.message).toMatch(/^(elastic|open)search \S+ has no feature foreign/)
    }
    // Whoever names it has it asked again.
    const { run } = await bench.night('foreign', { ...settings, only: ['night'] })
    expect([run.exit.code, ...triedOf(run)]).toEqual([0, '.made-up@night: inconclusive system-index'])
  })

  it.runIf(engine.version === sourceVersion)('restores a system index by the state of its feature', async () => {
    const repository = await server.createRepository('features')
    await server.create({ merged: { expected: pass } })
    // Belongs to the same feature, so that each of them comes with the other.
    await server.ask('PUT', '/.tasks-other/_doc/1?refresh=true', { completed: true })
    for (const night of ['first', 'second']) {
      await server.ask('PUT', `/.tasks/_doc/${night}?refresh=true`, { completed: true })
      await server.snapshot('features', night, ['merged'], { feature_states: ['tasks'] })
    }
    const good = await bench.night('features', { repository: `file://${repository}`, settings: { 'work.contents': 4 } })
    expect(triedOf(good.run)).toEqual([
      '.tasks-other@second: pass proven',
      '.tasks@first: pass proven',
      '.tasks@second: pass proven',
      'merged@second: pass proven',
    ])
    expect(good.run.snapshots.map(({ levels }) => levels.restore?.verdict)).toEqual(['pass', 'pass'])
    expect(await good.evidence('.tasks', 'second')).toMatchObject({ target: '.tasks', count: 2 })
    // What came along is dropped, too.
    expect(await server.ask('GET', '/_cat/indices/.tasks*?expand_wildcards=all&format=json')).toEqual([])
    expect((await bench.night('features', { repository: `file://${repository}` })).run.restores).toEqual([])

    const damaged = await bench.copy(repository)
    const { snapshots } = await inspectFolder(damaged)
    const id = snapshots.flatMap(({ indices }) => indices).find(({ name }) => name === '.tasks')?.id ?? ''
    const folder = join(damaged, 'indices', id, '0')
    const [blob = ''] = (await readdir(folder)).filter(name => name.startsWith('__')).sort()
    const bytes = await readFile(join(folder, blob))
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
    await writeFile(join(folder, blob), bytes)
    const { run } = await bench.night('damaged-features', { repository: `file://${damaged}` })
    expect(errorsOf(run)).toMatchObject([{ code: 'corrupt-data-blob', index: '.tasks' }])
    expect(run.verdicts.filter(({ verdict, index }) => verdict === 'fail' && index === 'merged')).toEqual([])
    expect(restoreOf(run, 'second', '.tasks')).toBe('fail lower-level-failed')
  })

  it('takes a server that has no room for its shards, or places none, for the trouble that it is, at once', async () => {
    const repository = await server.createRepository('small')
    const shards: OddIndex = { expected: pass, settings: { number_of_shards: 3 }, documents: [] }
    await server.create({ small: shards })
    await server.snapshot('small', 'night', ['small'])
    const verify = () => bench.night('small', { repository: `file://${repository}`, only: ['night'] })
    const limit = (settings: object) => server.ask('PUT', '/_cluster/settings', { persistent: settings })

    await limit({ 'cluster.max_shards_per_node': 1 })
    const full = await verify()
    expect(full.run.restores).toMatchObject([{ verdict: 'inconclusive', reason: 'does-not-fit', attempts: 1 }])

    await limit({ 'cluster.max_shards_per_node': 100_000, 'cluster.routing.allocation.enable': 'none' })
    const placed = await verify()
    expect(placed.run.restores).toMatchObject([{ verdict: 'inconclusive', reason: 'evidence-incomplete', attempts: 1 }])
    expect(placed.run.restores[0]?.message).toMatch(/no allocations are allowed/)
    // Not a restore at which nothing moved until we gave up.
    expect((await placed.evidence('small', 'night')).cutShort).toBeNull()
    await limit({ 'cluster.routing.allocation.enable': 'all' })
    expect((await verify()).run.restores).toMatchObject([{ verdict: 'pass' }])
  })
})
