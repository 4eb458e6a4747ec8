/** What looks like a credential: refused as a key of the configuration, and never printed. */

const credentialKey =
  /access[-_. ]?key|secret|passw(?:or)?d|passphrase|token|credential|private[-_. ]?key|api[-_. ]?key|^authorization$/i

/** Does a key ask for a secret? Snapproof has none: the SDK's default chain finds credentials. */
export function looksLikeCredential(key: string): boolean {
  return credentialKey.test(key)
}

const hidden = '[hidden]'
type Rule = readonly [RegExp, string]

/** Never right in a configuration, whatever the key. */
const certain: readonly Rule[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^/\s?#@]*@/gi, `$1${hidden}@`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, hidden],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"']*/gi, `$1${hidden}`],
]
/** Taken out of messages; a sentence may hold such words by chance. */
const likely: readonly Rule[] = [
  [/\b(authorization["']?\s*[:=]\s*["']?[A-Za-z0-9-]+\s+)[^\s"'][^"'\r\n]*/gi, `$1${hidden}`],
  [/((?:secret_?access_?key|session_?token|password)["']?\s*[:=]\s*["']?)[^\s"',&]+/gi, `$1${hidden}`],
]

/**
 * The text with secrets taken out: user and password of a URL, AWS access key ids, the signed part of presigned URLs,
 * authorization headers, `password=…`. For messages and logs only.
 */
export function hideSecrets(text: string): string {
  return apply([...certain, ...likely], text)
}

/** Is there something in the text that is a secret beyond doubt? */
export function holdsSecret(text: string): boolean {
  return apply(certain, text) !== text
}

function apply(rules: readonly Rule[], text: string): string {
  return rules.reduce((hidden, [pattern, replacement]) => hidden.replace(pattern, replacement), text)
}
