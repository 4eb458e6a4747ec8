/** What a run says of its seal: where the chain is, what it ended with before, and that this run has no seal when it has none. */
import type { RunResult, RunSeal } from '../model/run.ts'
import { minute } from './format.ts'
import { html, key, type Markup, message } from './markup.ts'
import { definitions } from './table.ts'

const lockWords: Readonly<Record<RunSeal['lock'], string>> = {
  governance: 'locked in governance mode',
  compliance: 'locked in compliance mode',
  none: 'no Object Lock: whoever may delete there can cut the end of the chain',
  unknown: 'not known: this identity may not ask for the Object Lock of the bucket',
}

/** Nothing where runs are not sealed. */
export function sealSection(run: RunResult): Markup | false {
  const { seal } = run
  if (seal === undefined) return false
  const { url, key: fingerprint, before, lock, problem, unsealed } = seal
  return html`<section id="seal">
<h2>Seal</h2>
${unsealed !== null && html`<p><strong>This run is unsealed.</strong> ${message(unsealed)}</p>`}
${problem !== null && html`<p><strong>The chain of seals is not what it was.</strong> ${message(problem)}</p>`}
<p class="note">A seal is a signed record of this run, in a chain that names every one before it. It is written after this page, so that
it can hold the hash of it; “snapproof seal verify” says whether it is there and whether anything was altered since.</p>
${definitions([
  ['Chain', key(url)],
  ['Key', fingerprint === null ? 'none' : key(fingerprint)],
  [
    'Last seal before this run',
    before === null
      ? unsealed === null
        ? 'none: the chain begins here'
        : null
      : html`${before.number}: ${key(before.hash)}, as found ${minute(run.endedAt)}`,
  ],
  ['New seals', unsealed === null ? lockWords[lock] : null],
])}
</section>`
}

/** The same in lines for a terminal. */
export function sealSentences({ url, before, problem, unsealed }: RunSeal): string[] {
  if (unsealed !== null) return [`UNSEALED: this run has no seal in ${url}: ${unsealed}`]
  const follows = before === null ? 'the chain begins with it' : `it follows seal ${before.number}, ${before.hash}`
  const sentence = `Sealed in ${url}: ${follows}`
  return problem === null ? [sentence] : [`THE CHAIN OF SEALS IS NOT WHAT IT WAS: ${problem}`, sentence]
}
