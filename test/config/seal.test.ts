/** The section `seal` of the configuration. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'

const folder = '/etc/snapproof'

const load = (seal: string, repository = 's3://snapshots/prod') =>
  loadConfig({
    file: join(folder, 'snapproof.yaml'),
    environment: {},
    readFile: async () => `repository: { name: prod, url: ${repository} }
ledger: { sync: none }
engines: [{ name: es, kind: maven, version: 9.5.3 }]
${seal}
`,
  })

test('without it runs are not sealed', async () => {
  expect((await load('')).seal).toBeNull()
})

test('a chain in a bucket, its key beside the file, its seals locked', async () => {
  const { seal } = await load(
    'seal: { url: s3://seals/prod/, region: eu-central-1, keyFile: keys/seal.pem, retainFor: 3650d, retainMode: compliance }',
  )
  expect(seal).toEqual({
    store: { url: 's3://seals/prod', region: 'eu-central-1', endpointUrl: null, pathStyle: null },
    key: { kind: 'file', file: '/etc/snapproof/keys/seal.pem' },
    retention: { mode: 'compliance', seconds: 3650 * 86_400 },
  })
})

test('a chain in a folder, with what is said when nothing is said', async () => {
  expect((await load('seal: { url: file:///var/seals, keyFile: /keys/seal.pem }')).seal).toEqual({
    store: { url: 'file:///var/seals', region: null, endpointUrl: null, pathStyle: null },
    key: { kind: 'file', file: '/keys/seal.pem' },
    retention: null,
  })
})

const kmsKey = 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000'

test('a chain that a key of KMS signs', async () => {
  expect((await load(`seal: { url: s3://seals/prod, kmsKey: '${kmsKey}' }`)).seal?.key).toEqual({
    kind: 'kms',
    arn: kmsKey,
    endpointUrl: null,
  })
})

describe('refused', () => {
  test.each([
    ['no key', 'seal: { url: s3://seals/prod }', /seal\.keyFile: missing|seal\.keyFile.*the file of the private key/],
    ['two keys', `seal: { url: s3://seals/prod, keyFile: k, kmsKey: '${kmsKey}' }`, /seal\.kmsKey.*one key signs/],
    ['a key of KMS and no chain', `seal: { kmsKey: '${kmsKey}' }`, /seal\.url.*seal\.kmsKey is given/],
    [
      'a key of KMS without account and region',
      'seal: { url: s3://seals/prod, kmsKey: alias/seals }',
      /ARN of a KMS key/,
    ],
    [
      'an endpoint of KMS and no key',
      'seal: { url: s3://seals/prod, keyFile: k, kmsEndpointUrl: https://kms.example }',
      /seal\.kmsEndpointUrl.*nothing without kmsKey/,
    ],
    ['a key and no chain', 'seal: { keyFile: seal.pem }', /seal\.url/],
    ['a lock and no chain', 'seal: { retainFor: 10d }', /seal\.url/],
    [
      'a lock in a folder',
      'seal: { url: file:///var/seals, keyFile: k, retainFor: 10d }',
      /seal\.retainFor.*locks nothing/,
    ],
    ['less than a day', 'seal: { url: s3://seals/prod, keyFile: k, retainFor: 10 }', /seal\.retainFor/],
    ['a mode that is none', 'seal: { url: s3://seals/prod, keyFile: k, retainMode: strict }', /governance, compliance/],
    [
      'a chain in the repository',
      'seal: { url: s3://snapshots/prod/seals, keyFile: k }',
      /seal\.url.*outside the repository/,
    ],
  ])('%s', async (_, seal, words) => {
    await expect(load(seal)).rejects.toMatchObject({ code: 'configuration', message: expect.stringMatching(words) })
  })

  test('a key in the folder of the chain', async () => {
    await expect(load('seal: { url: file:///var/seals, keyFile: /var/seals/seal.pem }')).rejects.toMatchObject({
      message: expect.stringMatching(/seal\.keyFile.*outside the chain/),
    })
  })

  test('a key in the folder of the repository', async () => {
    const seal = 'seal: { url: file:///var/seals, keyFile: /mnt/snapshots/seal.pem }'
    await expect(load(seal, 'file:///mnt/snapshots')).rejects.toMatchObject({
      message: expect.stringMatching(/seal\.keyFile.*outside the repository/),
    })
  })
})
