/** The one writer of `segments_N` and `.si`, by the name under which tests look for it. */
export {
  type WrittenSegment as TestSegment,
  writeCommit,
  writeSegmentInfo,
} from '../../infra/local/generate/lucene.ts'
