/** Addresses of pings and webhooks are secrets: what is wrong with them is said without them. */
import { describe, expect, it, test } from 'vitest'
import { configurationHash } from '../../src/config/configurationHash.ts'
import { loadConfig } from '../../src/config/load.ts'
import { isSnapproofError } from '../../src/errors.ts'

const head = `repository: { name: prod, url: s3://bucket/base }
ledger: { sync: none }
engines: [{ name: es, kind: maven, version: 9.5.3 }]
`
const load = (notify: string, environment: Record<string, string> = {}) =>
  loadConfig({ file: 'snapproof.yaml', environment, workingFolder: '/etc', readFile: async () => head + notify })

async function fault(notify: string, environment: Record<string, string> = {}): Promise<string> {
  try {
    await load(notify, environment)
  } catch (error) {
    if (isSnapproofError(error, 'configuration')) return `${error.message} ${error.advice}`
    throw error
  }
  throw new Error('it was taken')
}

describe('addresses', () => {
  test.each([
    'https://hc-ping.com/5b1d7e8a',
    'https://hc-ping.com/key/slug?create=1',
    'https://hooks.example:8443/services/T0/B0/x',
    'http://localhost:9000/x',
    'http://127.0.0.1:9000',
    'http://[::1]:9000/x',
  ])('%s is taken', async url => {
    const { notify } = await load(`notify: { ping: { url: "${url}" }, webhook: { url: "${url}" } }`)
    expect(notify).toMatchObject({ ping: { url }, webhook: { url, headerVariable: null }, plainHttp: false })
  })

  it('come from the environment as well, where secrets are better kept', async () => {
    const { notify } = await load('', {
      SNAPPROOF_NOTIFY_PING_URL: 'https://hc-ping.com/x',
      SNAPPROOF_NOTIFY_WEBHOOK_URL: 'https://hooks.example/y',
      SNAPPROOF_NOTIFY_WEBHOOK_HEADER_VARIABLE: 'HOOK_HEADER',
    })
    expect(notify).toMatchObject({
      ping: { url: 'https://hc-ping.com/x' },
      webhook: { url: 'https://hooks.example/y', headerVariable: 'HOOK_HEADER' },
    })
  })

  test.each([
    [
      'http on another machine',
      'notify: { ping: { url: "http://relay.example/hush" } }',
      /http:\/\/ on another machine/,
    ],
    ['another scheme', 'notify: { ping: { url: "ftp://relay.example/hush" } }', /notify\.ping\.url: got "\[hidden\]"/],
    ['a fragment', 'notify: { ping: { url: "https://relay.example/hush#a" } }', /notify\.ping\.url: got "\[hidden\]"/],
    ['user and password', 'notify: { webhook: { url: "https://dora:hush@relay.example/" } }', /holds a credential/],
    ['no number for a port', 'notify: { webhook: { url: "https://relay.example:99999/hush" } }', /\[hidden\]/],
    ['no text', 'notify: { webhook: { url: [hush] } }', /notify\.webhook\.url: got "\[hidden\]"/],
    ['one level too high', 'notify: { webhook: "https://relay.example/hush" }', /notify\.webhook: got "\[hidden\]"/],
    ['two levels too high', 'notify: "https://relay.example/hush"', /notify: got "\[hidden\]"/],
    [
      'a header in place of its name',
      'notify: { webhook: { url: "https://x.example/", headerVariable: "X-Key: hush" } }',
      /\[hidden\]/,
    ],
    [
      'a header for nobody',
      'notify: { webhook: { headerVariable: HOOK } }',
      /notify\.webhook\.url: .*headerVariable is given/,
    ],
    [
      'a name of ours',
      'notify: { webhook: { url: "https://x.example/", headerVariable: SNAPPROOF_HUSH } }',
      /begin with SNAPPROOF_/,
    ],
  ])('%s is refused', async (_, notify, words) => {
    const text = await fault(notify)
    expect(text).toMatch(words)
    expect(text).not.toMatch(/hush(?!_)/)
  })

  it('of the environment are not repeated either', async () => {
    const text = await fault('', { SNAPPROOF_NOTIFY_PING_URL: 'relay.example/hush' })
    expect(text).toContain('environment SNAPPROOF_NOTIFY_PING_URL: notify.ping.url')
    expect(text).not.toContain('hush')
  })

  it('http elsewhere is taken where somebody says so', async () => {
    const { notify } = await load('notify: { plainHttp: true, ping: { url: "http://relay.example/x" } }')
    expect(notify.ping.url).toBe('http://relay.example/x')
  })
})

describe('the hash of a configuration', () => {
  it('is that of equal ones alone, and knows no secret', async () => {
    const hashOf = async (notify: string) => configurationHash(await load(notify))
    const plain = await hashOf('')
    expect(plain).toMatch(/^[0-9a-f]{64}$/)
    expect(await hashOf('notify: {}')).toBe(plain)
    expect(await hashOf('failOn: warning')).not.toBe(plain)
    const one = await hashOf('notify: { ping: { url: "https://hc.example/one" } }')
    expect(one).not.toBe(plain)
    expect(await hashOf('notify: { ping: { url: "https://hc.example/two" } }')).toBe(one)
    expect(await hashOf('notify: { webhook: { url: "https://hc.example/one" } }')).not.toBe(one)
  })
})
