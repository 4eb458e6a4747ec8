/** What a Lucene file's recorded checksum says of the object that holds the file. */
import { crc32 } from 'node:zlib'

/**
 * CRC-32 of a whole Lucene file from the checksum that Lucene recorded: the file's last eight bytes are that checksum as
 * a big-endian int64, and it covers all bytes before them.
 */
export function expectedCrc32(checksum: number): number {
  const tail = Buffer.alloc(8)
  tail.writeUInt32BE(checksum, 4)
  return crc32(tail, checksum)
}
