/** Names from a repository may hold anything; formats for machines may not. */

/**
 * The text without what XML 1.0 forbids and terminals obey: control characters other than tab and line ends, halves of surrogate
 * pairs, U+FFFE, U+FFFF, and marks that turn the reading direction. Each becomes U+FFFD.
 */
export function plainText(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}
