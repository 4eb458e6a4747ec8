/**
 * Each detector of the program, and how to switch it off in its source: one text, which stands there once, replaced by another. A detector
 * that moves needs its line here moved too; a new one a line of its own, and something planted that it alone sees.
 */

export interface Mutant {
  /** Below src/. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const off = (file: string, ...changes: readonly (readonly [from: string, to: string])[]): Mutant[] =>
  changes.map(([from, to]) => ({ file, from, to }))

/** A rule that always passes. */
const silent = (rule: string): Mutant => ({
  file: `rules/${rule}.ts`,
  from: '  check,\n}',
  to: '  check: () => [pass],\n}',
})

export const mutants: readonly Mutant[] = [
  // What the decoders refuse.
  ...off('repository/codec-footer.ts', ['if (stored !== BigInt(computed))', 'if (false)']),
  ...off('repository/commit-counts.ts', ['if (!files.has(name)) throw', 'if (false) throw']),
  ...off('repository/catalogue.ts', [
    'if (latest === null || latest === generation) return []',
    'if (latest !== undefined) return []',
  ]),
  ...off('repository/catalogue.ts', ["if (isSnapproofError(error, 'archived'))", 'if (false)']),
  ...off('repository/catalogue.ts', ['...faults, ...structural]', '...faults]']),
  ...off('repository/repository-links.ts', ['if (dangling.length > 0)', 'if (false)']),
  ...off('repository/repository-links.ts', [
    '|| draft.identifiers.has(identifier)) return',
    '|| identifier !== noIdentifier) return',
  ]),
  // Metadata blobs, one by one.
  ...off(
    'repository/metadata-reader.ts',
    [
      "return failure('corrupt-metadata-blob', null, error.offset)",
      "return failure('corrupt-metadata-blob', 'not-read')",
    ],
    ["...failure('missing-metadata-blob', null)", "...failure('missing-metadata-blob', 'not-read')"],
    ["return failure('archived-blob', null)", "return failure('archived-blob', 'not-read')"],
    ["return failure('unreadable-blob', null)", "return failure('unreadable-blob', 'not-read')"],
  ),
  ...off(
    'repository/snapshot-reader.ts',
    ['if (!root.ok) faults.push(faultOf(root, where(rootKey(entry), [entry.uuid])))', 'if (!root.ok) faults.push()'],
    ['if (!global.ok) faults.push', 'if (false) faults.push'],
    ['if (differences.length === 0) return {}', 'if (true) return {}'],
    ['if (missing.length > 0) differences', 'if (false) differences'],
    ["same('name', info.name, entry.name)", ''],
    ["same('state', info.state, entry.state)", ''],
    ["same('start time', info.startedMs, entry.startedMs)", ''],
    ["same('end time', info.endedMs, entry.endedMs)", ''],
    ["same('version', info.versionId, entry.indexVersion)", ''],
    ['if (info.uuid !== entry.uuid) throw', 'if (false) throw'],
  ),
  ...off(
    'repository/index-reader.ts',
    ["if (state === 'missing')", 'if (false)'],
    ["if (state === 'elsewhere') return", 'if (false) return'],
    ['if (totals.bytes !== bytes) differences', 'if (false) differences'],
  ),
  ...off(
    'repository/shard-reader.ts',
    ['for (const { message, uuids } of problems.values())', 'for (const { message, uuids } of [])'],
    ['if (misplaced.size === 0) return copies', 'if (true) return copies'],
    ['if (generation.fault !== null) faults.push(generation.fault)', 'if (generation.fault !== null) faults.push()'],
    ['if (fault !== null) faults.push(fault)', 'if (false) faults.push(fault)'],
    ['if (snapshot.name !== target.name) throw', 'if (false) throw'],
    ['if (wrong !== null) throw', 'if (false) throw'],
    ['const faults = copies.flatMap(({ fault }) => fault ?? [])', 'const faults: Fault[] = []'],
  ),
  ...off(
    'repository/shard-consistency.ts',
    ["if (positions === undefined) return 'is not in it'", 'if (positions === undefined) return null'],
    ['if (file === undefined) return `has no', 'if (file === undefined) continue; if (false) return `has no'],
    ['if (!sameFile(file, known)) return', 'if (false) return'],
    ['if (!listed.has(blob)) return', 'if (false) return'],
  ),
  ...off('repository/misplaced.ts', ['strangers.add(position)', 'void 0']),
  // The join of listing and metadata.
  ...off('check/snapshotMarks.ts', [
    "unneeded ? 'warning' : broken ? 'error' : undefined",
    "unneeded ? 'warning' : undefined",
  ]),
  ...off('check/snapshotMarks.ts', [
    "unneeded ? 'warning' : broken ? 'error' : undefined",
    "broken ? 'error' : undefined",
  ]),
  ...off('check/snapshotMarks.ts', ["if (verdict === 'fail') return mark\n  if (obstacle", 'if (obstacle']),
  ...off('check/snapshotMarks.ts', ['if (obstacle !== null) return markOf(obstacle)\n  // What', '// What']),
  ...off('check/snapshotMarks.ts', ["if (partial) return 'partial-at-source'", '']),
  ...off(
    'check/checkIndex.ts',
    ["if (blob === undefined) return 'missing'", 'if (blob === undefined) return null'],
    ["if (blob.bytes !== bytes) return 'wrong-length'", ''],
    ["judgeReadable(blob, nowMs).state === 'readable' ? null : 'unreadable'", 'null'],
    [
      'for (const snapshot of doubt.snapshots) if (bad.get(snapshot)',
      'for (const snapshot of []) if (bad.get(snapshot)',
    ],
    ['findings.push(...elsewhereFindings(record, repository))', ''],
    [
      'const findings = record.faults.map(fault => findingOfFault(fault))',
      'const findings = [].map(fault => findingOfFault(fault))',
    ],
    ['if (accused || statuses.has', 'if (statuses.has'],
  ),
  ...off(
    'check/secondLook.ts',
    ["if (blob === null) return { state: 'missing' }", "if (blob === null) return { state: 'fine', blob: doubt }"],
    ['if (blob.bytes !== doubt.bytes) return', 'if (false) return'],
    ["if (isSnapproofError(error, 'archived')) return { state: 'archived' }", ''],
  ),
  ...off('check/readable.ts', [
    "if (restore === undefined) return { key, state: 'archived'",
    "if (restore === undefined) return { key, state: 'readable'",
  ]),
  ...off('check/listing.ts', ['this.unreferenced.blobs++', '']),
  ...off('check/check.ts', ['if (blobs === 0) return []', 'if (true) return []']),
  ...off('check/findings.ts', ['if (fault.ours !== null) return null', 'if (true) return null']),
  ...off('check/tally.ts', ['if (findings.length > 0) this.#findings.push', 'if (false) this.#findings.push']),
  // Bytes.
  ...off(
    'check/fileProof.ts',
    ['if (sum === expected) return', 'if (true) return'],
    ['if (bytes !== part.bytes) {', 'if (false) {'],
    ["if (isSnapproofError(error, 'access-denied')) return { state: 'bad'", "if (false) return { state: 'bad'"],
  ),
  ...off(
    'check/bytes.ts',
    ["if (state.state === 'bad') return markOf('found')", "if (state.state === 'bad') return markOf('proven')"],
    ["if (state.state !== 'bad') return\n", 'if (true) return\n'],
  ),
  ...off('check/footer.ts', ['return stored === BigInt(checksum)', 'return true']),
  ...off('check/footers.ts', ["if (state === 'disagrees') return 'corrupt-data-blob'", '']),
  // What is remembered must be of the very object.
  ...off('check/memory.ts', [
    'return digest([blob.key, blob.bytes, blob.etag, blob.modifiedMs, blob.storageClass])',
    'return digest([blob.key])',
  ]),
  // The mirror.
  ...off(
    'mirror/checks.ts',
    ['if (item.crc32 === null || item.crc32 === combined) return null', 'if (item !== null) return null'],
    ["if (blobKind(pathOf(part)) === 'framed' && !reading.footer) {", 'if (false) {'],
    ['tail.readUInt32BE(12) === crc32(', 'true || 0 === crc32('],
  ),
  ...off(
    'mirror/fetch-item.ts',
    ["return data ? 'missing-data-blob' : 'missing-metadata-blob'", "return 'missing-metadata-blob'"],
    ["return data ? 'wrong-length' : 'corrupt-metadata-blob'", "return 'corrupt-metadata-blob'"],
    ["return data ? 'corrupt-data-blob' : 'corrupt-metadata-blob'", "return 'corrupt-metadata-blob'"],
    ["return 'archived-blob'", "return 'unreadable-blob'"],
    [
      "return what === 'unavailable' || what === 'not-asked' ? 'store-unavailable' : null",
      "return 'store-unavailable'",
    ],
  ),
  ...off('run/expectation.ts', ['if (rests) hit.add(copy.contentId)', '']),
  // Rules, and the judge.
  ...[
    'restoreAccepted',
    'everyShardStarted',
    'filesAndBytes',
    'documentCount',
    'sequenceNumber',
    'mappingFields',
    'everyBlobRead',
  ].map(silent),
  ...off(
    'rules/everyShardStarted.ts',
    [
      "const started = words === undefined && stats.length === 1 && stats[0]?.state === 'STARTED'",
      'const started = true',
    ],
    [
      "const recovered = mine.length === 1 && rows.length === 1 && mine[0]?.stage === 'DONE'",
      'const recovered = rows.length > 0',
    ],
    ['row.index === expected.indexName &&', ''],
    ["row.type === 'SNAPSHOT' &&", ''],
    ['row.snapshot === expected.snapshot &&', ''],
  ),
  ...off(
    'rules/filesAndBytes.ts',
    ['if (row.files === files && ', 'if ('],
    ['row.bytes === bytes && row', 'row'],
    [' && row.recoveredBytes + row.reusedBytes === bytes) continue', ') continue'],
  ),
  ...off(
    'rules/documentCount.ts',
    ['if (found.luceneDocs === luceneDocs) return []', 'return []'],
    ['if (count === null) return [', 'if (count === null) return [pass]\n  if (false) return ['],
    [': count === total) return [pass]', ': true) return [pass]'],
  ),
  ...off(
    'rules/sequenceNumber.ts',
    ['if (found.maxSeqNo === maxSeqNo && ', 'if ('],
    [' && found.localCheckpoint === maxSeqNo) return []', ') return []'],
  ),
  ...off('rules/mappingFields.ts', ['&& fields[path] === type)', ')']),
  ...off('rules/mappingFields.ts', [
    'Object.hasOwn(fields, path) && fields[path] === type',
    'fields[path] === undefined || fields[path] === type',
  ]),
  ...off(
    'rules/judge.ts',
    ['if (!isOf(evidence, expected)) {', 'if (false) {'],
    ['if (first !== undefined) {', 'if (false) {'],
    ['if (evidence.cutShort !== null) return', 'if (false) return'],
    ['if (doubt !== undefined) return', 'if (false) return'],
  ),
  ...off('rules/serverWords.ts', ['return ours.find(own => own.words.test(words))?.reason ?? null', 'return null']),
  ...off('rules/serverWords.ts', ['if (damage.test(words)) return null', "return 'disk-full'"]),
  // Baselines, and rules of the owner.
  ...off('rules/baseline/judge.ts', [
    '[[emptied, shrunk, jumped], [mapping], [frozen]]',
    '[[shrunk, jumped], [mapping], [frozen]]',
  ]),
  ...off('rules/baseline/judge.ts', [
    '[[emptied, shrunk, jumped], [mapping], [frozen]]',
    '[[emptied, jumped], [mapping], [frozen]]',
  ]),
  ...off('rules/baseline/judge.ts', [
    '[[emptied, shrunk, jumped], [mapping], [frozen]]',
    '[[emptied, shrunk], [mapping], [frozen]]',
  ]),
  ...off('rules/baseline/judge.ts', [
    '[[emptied, shrunk, jumped], [mapping], [frozen]]',
    '[[emptied, shrunk, jumped], [], [frozen]]',
  ]),
  ...off('rules/baseline/judge.ts', [
    '[[emptied, shrunk, jumped], [mapping], [frozen]]',
    '[[emptied, shrunk, jumped], [mapping], []]',
  ]),
  ...off(
    'rules/baseline/behind.ts',
    ['if (lagOf(own) <= allowedMs) return null', 'if (true) return null'],
    ['if (backMs >= dayMs && backMs >', 'if (false && backMs >'],
  ),
  ...off('run/baselines.ts', ['if (timeField === null || fields === null ||', 'if (timeField !== undefined ||']),
  ...off('rules/owner/documents.ts', ['if (inRange(value.documents, range)) return', 'if (true) return']),
  ...off('rules/owner/fields.ts', ['if (type !== null && allowed.includes(type)) return', 'if (type !== null) return']),
  ...off(
    'rules/owner/filled.ts',
    ['if (value.type === null) {', 'if (false) {'],
    ['if (value.filled * 100 >= percent * value.documents) return', 'if (true) return'],
  ),
  ...off(
    'rules/owner/newest.ts',
    ['if (late > withinSeconds) {', 'if (false) {'],
    ['if (ahead > aheadSeconds) {', 'if (false) {'],
  ),
  ...off('rules/owner/oldest.ts', ['if (age <= withinSeconds) return', 'if (true) return']),
  ...off(
    'rules/owner/query.ts',
    ['if (inRange(value.hits, hits)) outcomes', 'if (true) outcomes'],
    ['if (value.value !== null && inRange(value.value, range)) outcomes', 'if (true) outcomes'],
  ),
  ...off('rules/owner/aliases.ts', ['if (missing.length === 0) return', 'if (true) return']),
  ...off('rules/owner/command.ts', ['if (exitCode === 0) return', 'if (true) return']),
  ...off(
    'rules/owner/indices.ts',
    ['if (absent.length > 0) {', 'if (false) {'],
    ['if (lost.length === 0) return', 'if (true) return'],
  ),
  ...off('run/ruleLevels.ts', ['if (failures.length > 0) {', 'if (false) {']),
  ...off('run/ruleLevels.ts', [
    "one.verdict === 'fail' && one.rule.severity === 'error')) return markOf('found')",
    "false)) return markOf('found')",
  ]),
  ...off('run/ruleLevels.ts', ['...matchingNothing(rules, snapshots, indices)]', ']']),
  // From findings and proofs to verdicts, findings of a run and exit codes.
  ...off('run/work.ts', [
    "if (judgement.verdict !== 'fail' || judgement.finding === null) return null",
    'if (judgement !== null) return null',
  ]),
  ...off(
    'plan/debt.ts',
    ["if (proof.verdict === 'fail') return 'failed'", ''],
    ["if (witness === null || proof.witness !== witness) return 'lapsed'", ''],
  ),
  ...off('run/outcome.ts', ['if (match !== undefined && match.untilMs > nowMs) {', 'if (match !== undefined) {']),
  ...off('run/outcome.ts', ["if (entry.index !== '*' && entry.index !== finding.index) return false", '']),
  ...off('run/outcome.ts', ['if (entry.code !== finding.code) return false', '']),
  ...off('run/outcome.ts', ['if (paging.length > 0 || input.failedBefore > 0) {', 'if (false) {']),
  ...off('run/outcome.ts', ['if (input.trouble !== null) {', 'if (false) {']),
  ...off('run/toldFindings.ts', [
    "ledger.warnings.map(message => makeFinding({ ...place, code: 'ledger-rolled-back', message }))",
    '[]',
  ]),
  ...off('run/toldFindings.ts', ['clusterId !== null && last.clusterId !== clusterId) {', 'clusterId === null) {']),
  ...off('run/checkReport.ts', [
    "if (!isSnapproofError(error, 'unreadable-repository-data')) throw error",
    'throw error',
  ]),
  ...off('run/checkReport.ts', [
    "if (failed || findings.some(finding => finding.severity === 'error')) return",
    'if (false) return',
  ]),
]
