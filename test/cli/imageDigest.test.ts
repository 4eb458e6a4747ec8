/** The digest of the image is what somebody says who knows it, or null: nobody guesses. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { imageDigest } from '../../src/cli/imageDigest.ts'
import { type Listener, says, startListener } from '../notify/listener.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
let listener: Listener
let warnings: string[]
beforeEach(async () => {
  listener = await startListener()
  warnings = []
})
afterEach(() => listener.close())

const ask = (environment: Record<string, string>, signal = new AbortController().signal) =>
  imageDigest({
    environment,
    log: { info: () => {}, warn: message => warnings.push(message), progress: () => {}, clear: () => {} },
    signal,
  })
const ecs = () => ({ ECS_CONTAINER_METADATA_URI_V4: `${listener.origin}/v4/id` })

it.each([
  ['nothing', {}, null, 0],
  ['a digest', { SNAPPROOF_IMAGE_DIGEST: digest }, digest, 0],
  ['an image with its digest', { SNAPPROOF_IMAGE_DIGEST: `registry.example/snapproof:1@${digest}` }, digest, 0],
  ['a tag', { SNAPPROOF_IMAGE_DIGEST: 'registry.example/snapproof:1' }, null, 1],
  ['half a digest', { SNAPPROOF_IMAGE_DIGEST: digest.slice(0, -1) }, null, 1],
  ['nothing at all', { SNAPPROOF_IMAGE_DIGEST: '', ECS_CONTAINER_METADATA_URI_V4: '' }, null, 0],
] as const)('from the environment: %s', async (_, environment, expected, told) => {
  expect(await ask({ ...environment })).toBe(expected)
  expect(warnings).toHaveLength(told)
})

it('from ECS, unless somebody says it', async () => {
  listener.answers = [says(200, JSON.stringify({ DockerId: 'x', Image: 'a:1', ImageID: digest }))]
  expect(await ask(ecs())).toBe(digest)
  expect(listener.heard).toMatchObject([{ method: 'GET', path: '/v4/id' }])
  const other = digest.replace(/0/g, 'f')
  expect(await ask({ ...ecs(), SNAPPROOF_IMAGE_DIGEST: other })).toBe(other)
  expect(listener.heard).toHaveLength(1)
})

it.each([
  ['a refusal', says(404), 1],
  ['no JSON', says(200, '<html>'), 1],
  ['far too much', says(200, ' '.repeat(300_000)), 1],
  ['a redirect', says(302, '', { location: '/elsewhere' }), 1],
  ['no digest', says(200, JSON.stringify({ ImageID: 'a:1' })), 0],
  ['a list', says(200, '[]'), 0],
] as const)('from ECS: %s is not known, and no error', async (_, answer, told) => {
  listener.answers = [answer]
  expect(await ask(ecs())).toBeNull()
  expect(warnings).toHaveLength(told)
})

it('does not outlive a run that is stopped meanwhile', async () => {
  const stop = new AbortController()
  listener.answers = [() => stop.abort(new Error('stopped'))]
  await expect(ask(ecs(), stop.signal)).rejects.toThrow('stopped')
})
