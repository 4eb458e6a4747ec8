/**
 * A damage that no checksum tells: one byte inside a Lucene file is changed, and the checksum of that file, of the compound file
 * around it, and all lists of the shard say what the bytes now give, as if memory had gone bad before the server counted.
 *
 * Source: apache/lucene: lucene/core/…/{codecs/lucene90/Lucene90CompoundFormat, codecs/CodecUtil}.java @ 9.12.0
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { decodeMetadataBlob } from '../../src/repository/framing.ts'
import type { SmileObject } from '../../src/repository/smile.ts'
import { rewrite } from './envelope.ts'

export interface Inner {
  readonly name: string
  readonly offset: number
  readonly length: number
}

/** Changes byte `at` of the first inner file of that extension in the segment's compound file. Resolves with what was changed. */
export async function damageInside(
  shardFolder: string,
  snapshotUuid: string,
  extension: string,
  at: (length: number) => number,
): Promise<Inner> {
  const files = filesOf(await readFile(join(shardFolder, `snap-${snapshotUuid}.dat`)))
  const table = files.find(file => String(file.physical_name).endsWith('.cfe'))
  const segment = String(table?.physical_name).replace(/\.cfe$/, '')
  const compound = files.find(file => file.physical_name === `${segment}.cfs`)
  if (table === undefined || compound === undefined) throw new Error(`${shardFolder} holds no compound file`)
  const inner = innerFiles(await readFile(join(shardFolder, String(table.name))))
  const chosen = inner.find(({ name }) => name.endsWith(`.${extension}`))
  if (chosen === undefined) throw new Error(`no .${extension} among ${inner.map(({ name }) => name).join(', ')}`)
  const path = join(shardFolder, String(compound.name))
  const bytes = await readFile(path)
  const position = chosen.offset + at(chosen.length)
  bytes.writeUInt8(bytes.readUInt8(position) ^ 0x01, position)
  sign(bytes.subarray(chosen.offset, chosen.offset + chosen.length))
  await writeFile(path, sign(bytes))
  await tellEverywhere(shardFolder, String(compound.name), crc32(bytes.subarray(0, bytes.length - 8)).toString(36))
  return chosen
}

function filesOf(snapshotBlob: Buffer): SmileObject[] {
  return decodeMetadataBlob(Buffer.from(snapshotBlob), ['snapshot']).files as SmileObject[]
}

/** Writes the footer's checksum anew, in place. */
function sign(file: Buffer): Buffer {
  file.writeBigInt64BE(BigInt(crc32(file.subarray(0, file.length - 8))), file.length - 8)
  return file
}

async function tellEverywhere(shardFolder: string, blob: string, checksum: string): Promise<void> {
  const correct = (root: SmileObject) => {
    for (const file of root.files as SmileObject[]) if (file.name === blob) file.checksum = checksum
  }
  for (const key of await readdir(shardFolder)) {
    if (!/^(snap|index)-/.test(key)) continue
    const path = join(shardFolder, key)
    await writeFile(path, rewrite(await readFile(path), correct))
  }
}

/** `.cfe`: index header, count, then name, offset and length of each file, little-endian since Lucene 9. */
function innerFiles(table: Buffer): Inner[] {
  let at = 4
  const vint = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = table.readUInt8(at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const text = () => {
    const length = vint()
    at += length
    return table.toString('utf8', at - length, at)
  }
  const long = () => {
    at += 8
    return Number(isLucene9 ? table.readBigInt64LE(at - 8) : table.readBigInt64BE(at - 8))
  }
  const isLucene9 = text().startsWith('Lucene9')
  at += 4 + 16
  at += 1 + table.readUInt8(at)
  return Array.from({ length: vint() }, () => ({ name: text(), offset: long(), length: long() }))
}
