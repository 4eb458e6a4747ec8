import { describe, expect, it } from 'vitest'
import { tellingWords } from '../../src/rules/tellingWords.ts'

describe('the words of a server', () => {
  it('are what was thrown and its causes, without frames and repetitions', () => {
    const details = [
      'failed shard on node [x]: failed recovery, failure org.elasticsearch.RecoveryFailedException: failed',
      '\tat org.elasticsearch.server@9.5.3/org.elasticsearch.Some.method(Some.java:1)',
      'Caused by: [t][[t][1]] IndexShardRecoveryException: failed recovery',
      '\t... 56 more',
      'Caused by: [t][[t][1]] IndexShardRecoveryException: failed recovery',
      'Caused by: CorruptIndexException: verification failed (hardware problem?)',
      '\tat java.base/java.lang.Thread.run(Thread.java:1474)',
      '',
    ].join('\n')
    expect(tellingWords(details)).toBe(
      'failed shard on node [x]: failed recovery, failure org.elasticsearch.RecoveryFailedException: failed | ' +
        '[t][[t][1]] IndexShardRecoveryException: failed recovery | ' +
        'CorruptIndexException: verification failed (hardware problem?)',
    )
  })

  it('are the same where all causes stand in one line', () => {
    const details =
      'failed recovery, failure RecoveryFailedException[[t][0]: failed]; nested: RestoreFailed[restore failed]; nested: RestoreFailed[restore failed]; nested: IllegalArgumentException[no parent field]; '
    expect(tellingWords(details)).toBe(
      'failed recovery, failure RecoveryFailedException[[t][0]: failed] | RestoreFailed[restore failed] | IllegalArgumentException[no parent field]',
    )
  })

  it('are bounded, and keep the beginning and the last cause', () => {
    const words = tellingWords(`first ${'x'.repeat(5_000)}\nCaused by: last`)
    expect(words.length).toBeLessThan(620)
    expect(words).toMatch(/^first .* … .*last$/)
  })

  it('stay as they are when they are one line', () => {
    expect(tellingWords('no space left on device')).toBe('no space left on device')
  })
})
