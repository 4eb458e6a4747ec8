/** What a server that reads the store is given, and what it is not. */
import { afterEach, describe, expect, it, test } from 'vitest'
import {
  type CredentialRelay,
  type StoreCredentials,
  startCredentialRelay,
  storeRepositoryBody,
} from '../../src/engine/repositoryS3.ts'
import { fakeClock } from '../support/fakes.ts'

const clock = fakeClock(Date.UTC(2026, 10, 23))
const access = {
  bucket: 'b',
  basePath: 'deep/path',
  region: 'eu-central-1',
  endpointUrl: null,
  pathStyle: false,
  credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'not-a-real-secret' }),
}

describe('the repository', () => {
  it('is read-only, unthrottled and holds no credential', () => {
    const body = storeRepositoryBody(access)
    expect(body).toMatchObject({
      type: 's3',
      settings: { readonly: true, max_restore_bytes_per_sec: '0', bucket: 'b' },
    })
    expect(JSON.stringify(body)).not.toMatch(/AKID|not-a-real-secret|endpoint|protocol/)
  })
  it('names another endpoint with its protocol', () => {
    expect(storeRepositoryBody({ ...access, endpointUrl: 'http://127.0.0.1:9100/', pathStyle: true })).toMatchObject({
      settings: { endpoint: '127.0.0.1:9100', protocol: 'http', path_style_access: true },
    })
  })
})

describe('the relay', () => {
  let relay: CredentialRelay | null = null
  afterEach(() => relay?.close())

  async function ask(credentials: () => Promise<StoreCredentials>, token?: string) {
    relay = await startCredentialRelay({ ...access, credentials }, clock)
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url = '', AWS_CONTAINER_AUTHORIZATION_TOKEN: own = '' } =
      relay.environment
    const answer = await fetch(url, { headers: { authorization: token ?? own } })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  test('gives those of the moment to the server', async () => {
    const expiration = new Date(Date.UTC(2026, 10, 23))
    const given = { accessKeyId: 'AKID', secretAccessKey: 'S', sessionToken: 'T', expiration }
    expect(await ask(async () => given)).toEqual({
      status: 200,
      body: { AccessKeyId: 'AKID', SecretAccessKey: 'S', Token: 'T', Expiration: '2026-11-23T00:00:00.000Z' },
    })
  })
  test('gives keys that have no session and no end, to be asked for again in an hour', async () => {
    expect((await ask(access.credentials)).body).toEqual({
      AccessKeyId: 'AKID',
      SecretAccessKey: 'not-a-real-secret',
      Expiration: '2026-11-23T01:00:00.000Z',
    })
  })
  test.each(['', 'x', 'f'.repeat(64)])('gives nothing to whoever does not know its token: %j', async token => {
    expect(await ask(access.credentials, token)).toMatchObject({ status: 403, body: { code: 'Forbidden' } })
  })
  test('does not repeat the words of a chain that has none', async () => {
    const answer = await ask(async () => {
      throw new Error('secret path /home/somebody')
    })
    expect(answer.status).toBe(500)
    expect(JSON.stringify(answer.body)).not.toContain('somebody')
  })
})
