import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../src/errors.ts'
import { findingCodes } from '../../src/model/finding.ts'
import { reasons } from '../../src/model/verdict.ts'
import { exitMeanings, findingTitle, reasonLabel, reasonText } from '../../src/report/words.ts'

describe('words', () => {
  it('has a meaning for each exit code', () => {
    for (const code of Object.values(exitCodes)) expect(exitMeanings[code]).toMatch(/\w/)
  })

  it('takes reasons and findings from their tables', () => {
    for (const [reason, { text }] of Object.entries(reasons)) expect(reasonText(reason)).toBe(text)
    for (const [code, { title }] of Object.entries(findingCodes)) expect(findingTitle(code)).toBe(title)
    expect(reasonLabel('not-yet-verified')).toBe('not yet verified')
  })

  it.each(['constructor', '__proto__', 'toString', 'of-tomorrow'])(
    'shows %s, which it does not know, as it is',
    name => {
      expect(reasonText(name)).toBe(reasonLabel(name))
      expect(findingTitle(name)).toBe(reasonLabel(name))
    },
  )
})
