/**
 * KMS word for word, from a server that speaks its JSON protocol and signs with a real P-256 key: moto hashes a digest once more
 * ("MessageType DIGEST is not yet implemented"), so what it signs would not verify.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signDigest } from './kmsDigest.ts'

export const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000'

export type KmsAnswer = { readonly status: number; readonly body: object } | 'silence'
export type KmsServer = Awaited<ReturnType<typeof startKmsServer>>

export async function startKmsServer() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const asked: { readonly action: string; readonly body: Record<string, unknown> }[] = []
  /** By action; what is not here answers as KMS does. */
  const answers: Record<string, KmsAnswer> = {}
  const publicAnswer = (changes = {}) => ({
    status: 200,
    body: {
      KeyId: kmsKeyArn,
      KeySpec: 'ECC_NIST_P256',
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: ['ECDSA_SHA_256'],
      PublicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      ...changes,
    },
  })
  const signAnswer = ({ Message }: Record<string, unknown>): KmsAnswer => {
    const Signature = signDigest(Buffer.from(String(Message), 'base64'), privateKey).toString('base64')
    return { status: 200, body: { KeyId: kmsKeyArn, Signature, SigningAlgorithm: 'ECDSA_SHA_256' } }
  }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '')
    const body = JSON.parse(text) as Record<string, unknown>
    asked.push({ action, body })
    const answer = answers[action] ?? (action === 'Sign' ? signAnswer(body) : publicAnswer())
    if (answer === 'silence') return
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer.body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    privateKey,
    publicKey,
    asked,
    answers,
    publicAnswer,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
