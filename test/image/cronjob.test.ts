/** The example for Kubernetes: its configuration is one, and it asks for what the image promises. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { sourceVersion } from '../../infra/local/cluster.ts'
import { loadConfig } from '../../src/config/load.ts'

const [configMap, cronJob] = parseAllDocuments(readFileSync('infra/image/cronjob.yaml', 'utf8')).map(one => one.toJS())
const pod = cronJob.spec.jobTemplate.spec.template.spec
const [container] = pod.containers

test('the configuration is valid, and names the server of the image and folders that may be written', async () => {
  const text = configMap.data['snapproof.yaml']
  const config = await loadConfig({
    file: 'snapproof.yaml',
    environment: {},
    readFile: async () => text.replaceAll(/YOUR-(?:LEDGER-)?BUCKET/g, (name: string) => name.toLowerCase()),
  })
  expect(config.engines).toMatchObject([
    { kind: 'distribution', version: sourceVersion, home: '/usr/share/elasticsearch' },
  ])
  const writable = container.volumeMounts.find((mount: { name: string }) => mount.name === 'scratch').mountPath
  for (const path of [config.work.folder, config.output.folder, config.ledger.file])
    expect(path).toMatch(new RegExp(`^${writable}/`))
})

test('a night is not repeated, ends, and is stopped with time to keep what it did', () => {
  const { spec } = cronJob.spec.jobTemplate
  expect([cronJob.spec.concurrencyPolicy, spec.backoffLimit, pod.restartPolicy]).toEqual(['Forbid', 0, 'Never'])
  expect(spec.activeDeadlineSeconds).toBeGreaterThan(5 * 3_600)
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30)
})

test('the container keeps the entry point of the image and has the version of the program', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(container).not.toHaveProperty('command')
  expect(container.args[0]).toBe('snapproof')
  expect(container.image).toMatch(new RegExp(`:${version}$`))
})

test('it asks for no more rights than the restricted profile gives', () => {
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
})
