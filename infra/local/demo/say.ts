/** How the demos tell their story, and stop where it does not hold. */
import process from 'node:process'

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** @throws Error naming what does not hold */
export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the demo went wrong: ${what} does not hold`)
  say(`   ✓ ${what}`)
}

export function indent(text: string): string {
  return text
    .split('\n')
    .map(line => `     ${line}`.trimEnd())
    .join('\n')
}
