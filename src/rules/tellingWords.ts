/** What a server said of a shard that failed, short enough for a person. The evidence keeps all of it. */

const longest = 600

/**
 * `UnassignedInfo.details` is a Java stack trace of a hundred lines, or with older servers and OpenSearch one long line of nested
 * exceptions: what was thrown and its causes, without the frames and without what is said twice. The last cause says most, so a
 * cut takes from the middle.
 * Source: elastic/elasticsearch: server/src/main/java/org/elasticsearch/cluster/routing/UnassignedInfo.java @ 9.5.3
 */
export function tellingWords(details: string): string {
  const lines = details
    .split(/\r?\n|; nested: /)
    .map(line => line.trim().replace(/;$/, ''))
    .filter(line => line !== '' && !/^(at |\.\.\. \d+ (more|common frames)|Suppressed: )/.test(line))
    .map(line => line.replace(/^Caused by: /, ''))
  const words = [...new Set(lines)].join(' | ')
  if (words.length <= longest) return words
  const half = Math.floor(longest / 2)
  return `${words.slice(0, half)} … ${words.slice(-half)}`
}
