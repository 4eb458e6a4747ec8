/** STS is asked where AWS is, and nobody else is told who we are. */
import { expect, it } from 'vitest'
import { callerRole } from '../../src/cli/callerRole.ts'

const arn = 'arn:aws:sts::111122223333:assumed-role/auditor/i-0abc'
const store = (url: string, endpointUrl: string | null = null) => ({
  name: 'production',
  url,
  region: 'eu-central-1',
  endpointUrl,
  pathStyle: null,
})
const inAws = store('s3://bucket/base')
const elsewhere = store('s3://bucket/base', 'http://127.0.0.1:9000')
const onDisk = store('file:///base')

async function ask(
  repository: ReturnType<typeof store>,
  ledger: typeof repository | null,
  answer: () => Promise<string>,
  signal = new AbortController().signal,
) {
  const said: string[] = []
  const asked: unknown[] = []
  const role = await callerRole(
    { log: { info: text => said.push(text), warn: () => {}, progress: () => {}, clear: () => {} }, signal },
    {
      repository,
      ledger: { store: ledger, file: '/ledger', leaseSeconds: 1 },
      output: { folder: '/out', store: null, keepEvidenceDays: null },
    },
    async ({ region }) => {
      asked.push(region)
      return answer()
    },
  )
  return { role, asked, said }
}
const known = async () => arn

it.each([
  ['a repository in AWS', inAws, null, arn, 1],
  ['a ledger in AWS', onDisk, inAws, arn, 1],
  ['another service of the same language', elsewhere, elsewhere, null, 0],
  ['a disk', onDisk, null, null, 0],
] as const)('%s', async (_, repository, ledger, role, asked) => {
  expect(await ask(repository, ledger, known)).toMatchObject({ role, asked: Array(asked).fill('eu-central-1') })
})

it('is not known where STS says nothing, and no error', async () => {
  const { role, said } = await ask(inAws, null, () => Promise.reject(new Error('no route')))
  expect(role).toBeNull()
  expect(said.join()).toMatch(/no route/)
})

it('does not outlive a run that is stopped meanwhile', async () => {
  const stop = new AbortController()
  const stopping = () => {
    stop.abort(new Error('stopped'))
    return Promise.reject(new Error('cut'))
  }
  await expect(ask(inAws, null, stopping, stop.signal)).rejects.toThrow('stopped')
})
