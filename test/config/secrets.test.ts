import { describe, expect, test } from 'vitest'
import { hideSecrets, holdsSecret, looksLikeCredential } from '../../src/config/secrets.ts'

describe('looksLikeCredential', () => {
  test.each(['accessKeyId', 'secret_access_key', 'SESSION-TOKEN', 'password', 'apiKey', 'credentials', 'privateKey'])(
    '%s does',
    key => {
      expect(looksLikeCredential(key)).toBe(true)
    },
  )
  test.each(['credit', 'region', 'pathStyle', 'key', 'name', 'approver', 'keys'])('%s does not', key => {
    expect(looksLikeCredential(key)).toBe(false)
  })
})

describe('hideSecrets', () => {
  test.each([
    ['https://dora:hunter2@minio:9000/x', 'https://[hidden]@minio:9000/x'],
    ['id AKIAABCDEFGHIJKLMNOP used', 'id [hidden] used'],
    ['GET /x?X-Amz-Signature=abc&X-Amz-Date=1', 'GET /x?X-Amz-Signature=[hidden]&X-Amz-Date=1'],
    ['X-Amz-Security-Token=abc%2F', 'X-Amz-Security-Token=[hidden]'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [hidden]'],
    ['{"SecretAccessKey":"abc/def"}', '{"SecretAccessKey":"[hidden]"}'],
    ['aws_secret_access_key = abc', 'aws_secret_access_key = [hidden]'],
  ])('%s', (text, hidden) => {
    expect(hideSecrets(text)).toBe(hidden)
  })

  test.each(['s3://bucket/a@b', 'mail dora@example.com', 'Basic understanding of passwords', 'the token expired'])(
    'leaves %j alone',
    text => {
      expect(hideSecrets(text)).toBe(text)
      expect(holdsSecret(text)).toBe(false)
    },
  )

  test('only what is a secret beyond doubt is refused in a configuration', () => {
    expect(holdsSecret('https://dora:hunter2@minio')).toBe(true)
    expect(holdsSecret('the password: rotate it')).toBe(false)
  })
})
