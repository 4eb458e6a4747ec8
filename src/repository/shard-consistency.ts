/**
 * A shard generation against the snapshots of its shard, both ways: the four consistency checks of Elasticsearch's own
 * verifier as one fault for each blob.
 * Source: elastic/elasticsearch: x-pack/plugin/snapshot-repo-test-kit/…/integrity/RepositoryIntegrityVerifier.java
 */
import type { Fault, FileEntry, FileList } from '../model/content.ts'
import type { ShardGeneration } from './shard-generation.ts'

interface Copy {
  readonly uuid: string
  readonly name: string
  readonly files: FileList
}

/** Null when they agree. Snapshots that the generation has beyond `copies` are left-overs and no fault. */
export function compareWithGeneration(
  generation: ShardGeneration,
  copies: readonly Copy[],
  where: { readonly key: string; readonly index: string; readonly shard: number },
): Fault | null {
  const byName = new Map<FileList, ReadonlyMap<string, FileEntry>>()
  const differences: string[] = []
  const snapshots: string[] = []
  for (const { uuid, name, files } of copies) {
    let entries = byName.get(files)
    if (entries === undefined) {
      entries = new Map(files.files.map(file => [file.name, file]))
      byName.set(files, entries)
    }
    const difference = compareOne(generation, name, entries)
    if (difference === null) continue
    snapshots.push(uuid)
    if (differences.length < 3) differences.push(`snapshot ${name} ${difference}`)
  }
  if (snapshots.length === 0) return null
  const more = snapshots.length - differences.length
  const rest = more > 0 ? `; ${more} more snapshots differ` : ''
  return {
    code: 'shard-generation-inconsistent',
    ours: null,
    offset: null,
    ...where,
    snapshots,
    message: `${where.index}[${where.shard}]: ${differences.join('; ')}${rest}`,
  }
}

function compareOne(generation: ShardGeneration, name: string, entries: ReadonlyMap<string, FileEntry>): string | null {
  const positions = generation.snapshots.get(name)
  if (positions === undefined) return 'is not in it'
  const listed = new Set<string>()
  for (const position of positions) {
    const known = generation.files[position]
    if (known === undefined) continue
    listed.add(known.name)
    const file = entries.get(known.name)
    if (file === undefined) return `has no ${known.name} (${known.physicalName})`
    if (!sameFile(file, known)) return `has another ${known.physicalName} under ${known.name}`
  }
  for (const [blob, file] of entries) if (!listed.has(blob)) return `alone has ${blob} (${file.physicalName})`
  return null
}

function sameFile(a: FileEntry, b: FileEntry): boolean {
  return a.physicalName === b.physicalName && a.bytes === b.bytes && a.checksum === b.checksum
}
