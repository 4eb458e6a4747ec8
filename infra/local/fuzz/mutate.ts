/** Inputs from real blobs: the same target, seed and number give the same input, on every machine. */
import { seededRandom } from '../../../src/repository/damage/random.ts'
import type { FuzzTarget } from './targets.ts'

const words: Readonly<Record<FuzzTarget['dictionary'], readonly Buffer[]>> = {
  smile: [
    // Ends and starts of structures, shared names, long texts, binary, big numbers.
    ...['fb', 'f9', 'fa', 'f8', 'fc', '40', '34', '33ff', 'ecff', 'e8', 'fdbfbf', 'e0', 'e4', '26', '2a', '25', '28'],
    ...['fafbfafb', 'f8f9f8f9', 'f8f8f8f8f8f8f8f8', '7f7f7f7fbf', 'fd7f7f7fbf', '247f7f7fbf', '257f7f7f7f7f7f7f7fbf'],
    ...['88', '8b', '20', '21', '22', '23', 'c0', 'ff', '3a290a05', '44464c00', '5a53544400', '28b52ffd'],
  ]
    .map(hex => Buffer.from(hex, 'hex'))
    .concat(
      ['name', 'files', 'length', 'part_size', 'meta_hash', 'snapshots', '__proto__', 'constructor'].map(text =>
        Buffer.concat([Buffer.from([0x7f + text.length]), Buffer.from(text)]),
      ),
      ['../..', 'v__', '__', '\0', '_na_', 'zzzzzzz'].map(text =>
        Buffer.concat([Buffer.from([0x3f + text.length]), Buffer.from(text)]),
      ),
    ),
  json: [
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u0000',
      '\\ud800',
      'null',
      'true',
      '-1',
      '1e999',
      '0',
      '9'.repeat(30),
    ],
    ...['"__proto__":', '"uuid":', '"../x"', '"\\n"', '[[[[[[', '{"a":', '"snapshots":[', '"indices":{', '\u0000', ' '],
  ].map(text => Buffer.from(text)),
  lucene: [
    '3fd76c17',
    'c02893e8',
    '00000000',
    '7fffffff',
    '80000000',
    'ffffffff',
    'ffffffff0f',
    'ffffffffffffffff7f',
  ].map(hex => Buffer.from(hex, 'hex')),
}
const edges = [0, 1, 0x7f, 0x80, 0xff]
/** Longer inputs tell no more and take longer. */
const maxBytes = 64 * 1024

export function makeInput({ samples, dictionary }: FuzzTarget, seed: number, number: number): Buffer {
  const random = seededRandom((seed ^ Math.imul(number, 0x9e3779b1)) >>> 0)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[below(items.length)]
  // Ascending by length: short ones tell as much and are sooner done.
  const sample = samples[Math.floor(random() ** 3 * samples.length)] ?? Buffer.alloc(0)
  let input = Buffer.from(sample)
  for (let left = 1 + below(4); left > 0; left--) input = change(input)
  return input.length > maxBytes ? input.subarray(0, maxBytes) : input

  function change(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
    const at = below(bytes.length + 1)
    const span = Math.min(bytes.length - at, 1 + below(64))
    const inserted = (middle: Buffer, skipped = 0) =>
      Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + skipped)])
    switch (bytes.length === 0 ? 7 : below(10)) {
      case 0:
      case 1: {
        for (let flips = 1 + below(8); flips > 0; flips--) {
          const place = below(bytes.length)
          bytes[place] = (bytes[place] ?? 0) ^ (1 << below(8))
        }
        return bytes
      }
      case 2:
        bytes[at % bytes.length] = below(256)
        return bytes
      case 3:
        bytes[at % bytes.length] = pick(edges) ?? 0
        return bytes
      case 4:
        return Buffer.from(bytes.subarray(0, at))
      case 5:
        return inserted(Buffer.alloc(0), span)
      case 6:
        return inserted(bytes.subarray(at, at + span))
      case 7:
        return inserted(pick(words[dictionary]) ?? Buffer.alloc(0), random() < 0.5 ? 0 : span)
      case 8: {
        // Another blob goes on where this one is left.
        const other = pick(samples) ?? Buffer.alloc(0)
        const from = below(other.length + 1)
        return Buffer.concat([bytes.subarray(0, at), other.subarray(from, random() < 0.5 ? undefined : from + span)])
      }
      default: {
        // A length that is announced and not kept: a run of the largest digits.
        const run = Buffer.alloc(1 + below(9), random() < 0.5 ? 0xff : 0x7f)
        return inserted(run, run.length)
      }
    }
  }
}
