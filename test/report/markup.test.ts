import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, html, key, message, name, styleElement, visible } from '../../src/report/markup.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 400 })
const options = { seed: 20261123, numRuns: 500 }

describe('html', () => {
  it('escapes what is interpolated and leaves its own markup', () => {
    expect(html`<p>${'<b>&"\''}${html`<i>${1}</i>`}${null}${false}${['a', html`<br>`]}</p>`.toString()).toBe(
      '<p>&lt;b&gt;&amp;&quot;&#39;<i>1</i>a<br></p>',
    )
  })
})

describe('styleElement', () => {
  it('keeps the style as it is', () => {
    expect(styleElement('a > b { content: "&" }').toString()).toBe('<style>a > b { content: "&" }</style>')
    expect(() => styleElement('<!--')).toThrow('must not contain')
  })
})

describe('visible', () => {
  it('shows what cannot be seen', () => {
    expect(visible('a\u0000b\u001bc\u007f\u0085')).toBe('a␀b␛c␡[U+0085]')
    expect(visible('a\u202eb\u200b\ufeff\u{e0041}')).toBe('a[U+202E]b[U+200B][U+FEFF][U+E0041]')
    expect(visible('\ud800')).toBe('[U+D800]')
    expect(visible(`z${'\u0301'.repeat(50)}`)).toBe(`z${'\u0301'.repeat(4)}[…]`)
  })

  it('leaves ordinary names of any script alone', () => {
    for (const text of ['logs-2026.11.20', 'سجلات', '日志-二〇二六', 'journal é', '🙂'])
      expect(visible(text)).toBe(text)
  })
})

describe('cut', () => {
  it('never halves a character and never grows', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 3, max: 30 }), (text, max) => {
        const short = cut(text, max)
        expect(short.length).toBeLessThanOrEqual(max)
        expect(short).not.toMatch(/\p{Surrogate}/u)
        if (text.length <= max) expect(short).toBe(text)
        else expect(short.endsWith('…')).toBe(true)
      }),
      options,
    )
  })
})

describe('text of the repository', () => {
  it('is one element whatever it holds', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(name, key, message), (text, draw) => {
        const drawn = draw(text, 40).toString()
        const match = /^<bdi class="(?:name|key|message)"(?: title="([^"<>]*)")?>([^<>]*)<\/bdi>$/u.exec(drawn)
        expect(match).not.toBeNull()
        expect(drawn).not.toMatch(/\p{Cc}|\p{Surrogate}/u)
      }),
      options,
    )
  })
})
