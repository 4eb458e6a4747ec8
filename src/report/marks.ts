/** The shape that goes with a word, so that nothing depends on colour. Shapes are drawn once and used by reference. */
import type { Severity } from '../model/finding.ts'
import type { VerdictValue } from '../model/verdict.ts'
import type { Tone } from './headline.ts'
import { html, type Markup, type Value } from './markup.ts'

export type Shape = 'check' | 'cross' | 'ring' | 'dash' | 'triangle'

/** Hidden definitions; once per page, before their first use. */
export function shapeDefinitions(): Markup {
  return html`<svg class="shapes" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<symbol id="shape-check" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7.5" class="filled"/><path d="M4.4 8.3l2.5 2.5 4.8-5.2" class="cut"/></symbol>
<symbol id="shape-cross" viewBox="0 0 16 16"><path d="M5 .5h6L15.5 5v6L11 15.500H5L.5 11V5z" class="filled"/><path d="M5.2 5.200l5.6 5.600M10.8 5.200l-5.6 5.6" class="cut"/></symbol>
<symbol id="shape-ring" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.5" class="drawn dashed"/></symbol>
<symbol id="shape-dash" viewBox="0 0 16 16"><path d="M3 8h10" class="drawn"/></symbol>
<symbol id="shape-triangle" viewBox="0 0 16 16"><path d="M8 1l7.3 13.500H.7z" class="filled"/><path d="M8 5.800v4M8 11.600v1.2" class="cut"/></symbol>
</defs></svg>`
}

export function mark(shape: Shape, className: string, word: Value): Markup {
  return html`<span class="mark ${className}"><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><use href="#shape-${shape}"/></svg><span>${word}</span></span>`
}

export const verdictShapes: Readonly<Record<VerdictValue, Shape>> = {
  pass: 'check',
  fail: 'cross',
  inconclusive: 'ring',
  'not-applicable': 'dash',
}

export const severityShapes: Readonly<Record<Severity, Shape>> = {
  error: 'cross',
  warning: 'triangle',
  information: 'dash',
}

export const toneShapes: Readonly<Record<Tone, Shape>> = {
  failing: 'cross',
  blind: 'triangle',
  open: 'ring',
  good: 'check',
}
