import { expect, test } from 'vitest'
import { describeError, diskError, errorCodes, exitCodes, isSnapproofError, SnapproofError } from '../src/errors.ts'

test('every code leads to a documented exit code, and none to good or to a finding', () => {
  const documented = new Set<number>(Object.values(exitCodes))
  for (const code of Object.values(errorCodes)) {
    expect(documented.has(code)).toBe(true)
    expect([exitCodes.good, exitCodes.finding, exitCodes.debtBeyondPolicy]).not.toContain(code)
  }
})

test('an error keeps code, advice and cause, and does not repeat the cause', () => {
  const cause = new Error('ENOSPC')
  const error = new SnapproofError('disk-full', 'the mirror could not be written', { advice: 'Make room.', cause })
  expect(error).toMatchObject({ code: 'disk-full', advice: 'Make room.', cause, exitCode: 2, name: 'SnapproofError' })
  expect(error.message).not.toContain('ENOSPC')
  expect(isSnapproofError(error)).toBe(true)
  expect(isSnapproofError(error, 'disk-full', 'deadline')).toBe(true)
  expect(isSnapproofError(error, 'deadline')).toBe(false)
  expect(isSnapproofError(cause)).toBe(false)
})

test('a description names every cause once, outermost first', () => {
  const inner = new Error('inner')
  expect(describeError(new Error('outer', { cause: new Error('inner', { cause: inner }) }))).toBe('outer: inner')
  expect(describeError('text')).toBe('text')
  expect(describeError(undefined)).toBe('')
  expect(describeError(new TypeError())).toBe('TypeError')
})

test('a circle of causes ends', () => {
  const error = new Error('round')
  error.cause = error
  expect(describeError(error)).toBe('round')
})

test('an error of the disk is one of ours; others come back as they are', () => {
  const failed = (code: string) => diskError(Object.assign(new Error(code), { code }), 'write', '/x')
  expect(failed('ENOSPC')).toMatchObject({ code: 'disk-full', message: 'could not write /x: the disk is full' })
  expect(failed('EDQUOT')).toMatchObject({ code: 'disk-full' })
  for (const code of ['EIO', 'EACCES', 'EROFS'])
    expect(failed(code)).toMatchObject({ code: 'disk-failed', exitCode: 2 })
  const ours = new SnapproofError('unavailable', 'no')
  expect(diskError(ours, 'write', '/x')).toBe(ours)
  const bug = new TypeError('a bug is no disk')
  expect(diskError(bug, 'write', '/x')).toBe(bug)
  const node = Object.assign(new Error('bad'), { code: 'ERR_INVALID_ARG_TYPE' })
  expect(diskError(node, 'write', '/x')).toBe(node)
})
