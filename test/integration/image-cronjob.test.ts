/** The example for Kubernetes against Kubernetes' own schemas, offline. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { installKubernetesValidate } from '../../infra/image/local/kubernetes-validate.ts'

const program = await installKubernetesValidate()
if (program === null) console.error('SKIPPED: the example for Kubernetes: no Python 3.9 or newer with venv')

describe.skipIf(program === null)('infra/image/cronjob.yaml', () => {
  function validate(file: string): { status: number | null; told: string } {
    const { status, stdout, stderr } = spawnSync(program ?? '', ['--strict', file], {
      encoding: 'utf8',
      timeout: 120_000,
    })
    return { status, told: `${stdout}${stderr}` }
  }

  it('is what Kubernetes knows', () => {
    const { status, told } = validate('infra/image/cronjob.yaml')
    expect(told).toMatch(/passed for resource configmap/)
    expect(told).toMatch(/passed for resource cronjob/)
    expect(status).toBe(0)
  })

  it('would be refused with a word that it does not know', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'snapproof-cronjob-'))
    try {
      const text = await readFile('infra/image/cronjob.yaml', 'utf8')
      const file = join(folder, 'cronjob.yaml')
      await writeFile(file, text.replace('backoffLimit:', 'backOffLimit:'))
      expect(validate(file)).toMatchObject({
        status: 1,
        told: expect.stringContaining("'backOffLimit' was unexpected"),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
