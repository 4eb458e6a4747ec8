/**
 * HTML with escaping on by default. Every string that reaches a page goes through here; `raw` leaves this file only as
 * the style sheet, which is ours.
 *
 * Names come from the repository and are hostile: they may hold markup, control characters, characters that turn the
 * reading direction, or ten thousand letters.
 */
import { html as honoHtml, raw } from 'hono/html'
import { SnapproofError } from '../errors.ts'

/** Text that is already HTML. */
export interface Markup {
  toString(): string
  readonly isEscaped: true
}
export type Value = Markup | string | number | null | undefined | false | readonly Value[]

/** Tagged template; interpolated strings are escaped, arrays joined, null and false left out. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const markup = honoHtml(strings, ...values)
  // hono returns a promise only when it is given one; the type of `Value` does not let one in.
  if (markup instanceof Promise) throw new SnapproofError('internal', 'a report must not wait for anything')
  return markup
}

/** Our own style sheet, as it stands. Refuses what would end the element. */
export function styleElement(css: string): Markup {
  if (/<\/style|<!--/i.test(css))
    throw new SnapproofError('usage', 'the style sheet must not contain "</style" or "<!--"')
  return html`<style>${raw(css)}</style>`
}

const controls = /\p{Cc}/gu
// Direction marks and overrides, zero-width characters, separators, byte order mark, tags, halves of a pair.
const invisible =
  /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu
const stackedMarks = /(\p{M}{4})\p{M}+/gu

/** Shows what cannot be seen: control characters as their pictures, the rest of the invisible as `[U+202E]`. */
export function visible(text: string): string {
  return text
    .replace(controls, char => {
      const code = char.charCodeAt(0)
      if (code === 0x7f) return '\u2421'
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : codePoint(char)
    })
    .replace(invisible, codePoint)
    .replace(stackedMarks, '$1[…]')
}

function codePoint(char: string): string {
  return `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
}

/** At most `max` UTF-16 units with an ellipsis at the end; never half a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const end = /[\ud800-\udbff]/.test(text.charAt(max - 2)) ? max - 2 : max - 1
  return `${text.slice(0, end)}…`
}

const maxTitle = 12_000

/** A name or message of the repository: isolated from our own reading direction, cut, whole in `title`. */
export function name(text: string, max = 72): Markup {
  return foreign(text, max, 'name')
}

/** A blob key: monospaced, may break anywhere. */
export function key(text: string, max = 200): Markup {
  return foreign(text, max, 'key')
}

/** The first of them, and how many more there are. */
export function keys(values: readonly string[], max = 6): Markup {
  const left = values.length - max
  return html`${values.slice(0, max).map((value, i) => html`${i > 0 && ', '}${key(value)}`)}${left > 0 && html` and ${left} more`}`
}

/** Words of a server or of the checker; line breaks become spaces. */
export function message(text: string, max = 600): Markup {
  return foreign(text.replace(/\s+/g, ' ').trim(), max, 'message')
}

function foreign(text: string, max: number, className: string): Markup {
  const shown = visible(text)
  const short = cut(shown, max)
  if (short === shown) return html`<bdi class="${className}">${shown}</bdi>`
  return html`<bdi class="${className}" title="${cut(shown, maxTitle)}">${short}</bdi>`
}
