/** The image built at deployment, and the sizes that Fargate has. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Size } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { AuditStack } from '../../../infra/aws/lib/audit-stack.ts'
import { batchProblems } from '../../../infra/aws/lib/batch.ts'
import { contextProps } from '../../../infra/aws/lib/context.ts'
import { fargateMemory, fargateSizeProblem } from '../../../infra/aws/lib/fargate-sizes.ts'
import { imageProblems } from '../../../infra/aws/lib/image.ts'
import { account, baseProps, flat, resource, resources } from './templates.ts'

describe('an image that is built at deployment', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'snapproof-asset-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function synthesize(name: string, compute: 'codebuild' | 'batch', build: object) {
    const app = new App({ analyticsReporting: false, outdir: join(folder, name) })
    const stack = new AuditStack(app, 'audit', () => ({ ...baseProps, compute: { kind: compute }, image: { build } }), {
      env: { account, region: 'eu-central-1' },
    })
    return { template: Template.fromStack(stack), assembly: app.synth() }
  }

  it('is an asset of CDK, pulled from its repository by its hash', () => {
    const searchServer = `docker.elastic.co/elasticsearch/elasticsearch:9.5.3@sha256:${'a'.repeat(64)}`
    const { template, assembly } = synthesize('codebuild', 'codebuild', { searchServer })
    const [artifact] = assembly.stacks
    const file = readdirSync(assembly.directory).find(name => name.endsWith('.assets.json')) ?? ''
    const { dockerImages } = JSON.parse(readFileSync(join(assembly.directory, file), 'utf8'))
    const [[hash, { source }]] = Object.entries(dockerImages) as [[string, { source: Record<string, unknown> }]]
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(source).toMatchObject({
      dockerBuildArgs: { VERSION: version, SEARCH_SERVER: searchServer },
      platform: 'linux/amd64',
    })
    const staged = readdirSync(join(assembly.directory, String(source.directory)))
    // What .dockerignore keeps out is not handed over either.
    expect(staged.toSorted()).toEqual(
      [
        '.dockerignore',
        '.npmrc',
        'Dockerfile',
        'LICENSE',
        'config',
        'infra',
        'package-lock.json',
        'package.json',
        'reports',
        'src',
        'tsconfig.build.json',
        'tsconfig.json',
      ].toSorted(),
    )
    const { Image } = resource(template, 'AWS::CodeBuild::Project').Properties.Environment
    expect(flat(Image)).toContain(`cdk-hnb659fds-container-assets-${account}-eu-central-1:${hash}`)
    expect(artifact?.displayName).toBe('audit')
  })

  it('may be pulled by Batch, and no other image', () => {
    const { template } = synthesize('batch', 'batch', {})
    const [policy] = [...resources(template, 'AWS::IAM::Policy')].filter(([id]) =>
      /ExecutionRoleDefaultPolicy/.test(id),
    )
    const pulls = policy?.[1].Properties.PolicyDocument.Statement.filter((statement: { Action: unknown }) =>
      [statement.Action].flat().includes('ecr:BatchGetImage'),
    )
    expect(pulls.map((statement: { Resource: unknown }) => flat(statement.Resource))).toEqual([
      `arn:<AWS::Partition>:ecr:eu-central-1:${account}:repository/cdk-hnb659fds-container-assets-${account}-eu-central-1`,
    ])
  })

  test.each([
    [{ directory: tmpdir() }, /holds no Dockerfile/],
    [{ searchServer: 'elasticsearch' }, /searchServer "elasticsearch" has no fixed tag/],
    [{ node: 'node:latest' }, /node "node:latest" has no fixed tag/],
  ])('%o is refused', (build, fault) => {
    expect(imageProblems({ build }).join()).toMatch(fault)
  })

  it('is asked for by the setting image=build', () => {
    const asked = (image: string) => {
      const settings: Record<string, string> = { repository: 'r', bucket: 'b', image }
      return contextProps(key => settings[key]).image
    }
    expect(asked('build')).toEqual({ build: {} })
    expect(asked('build:1')).toEqual({ uri: 'build:1' })
  })

  it('is what it should be', () => {
    expect(imageProblems({ build: {} })).toEqual([])
    expect(imageProblems({ build: { node: `node@sha256:${'0'.repeat(64)}` } })).toEqual([])
  })
})

describe('sizes of Fargate', () => {
  /** As AWS publishes them: "ResourceRequirement" of AWS Batch. */
  test.each([
    [0.25, [512, 1024, 2048]],
    [0.5, [1024, 2048, 3072, 4096]],
    [1, [2048, 3072, 4096, 5120, 6144, 7168, 8192]],
    [2, [4096, 5120, 6144, 7168, 8192, 9216, 10240, 11264, 12288, 13312, 14336, 15360, 16384]],
    [8, [16384, 20480, 24576, 28672, 32768, 36864, 40960, 45056, 49152, 53248, 57344, 61440]],
    [16, [32768, 40960, 49152, 57344, 65536, 73728, 81920, 90112, 98304, 106496, 114688, 122880]],
    [3, []],
    [32, []],
  ])('%d vCPU', (vcpus, memory) => {
    expect(fargateMemory(vcpus)).toEqual(memory)
  })

  it('4 vCPU', () => {
    expect(fargateMemory(4)).toEqual(Array.from({ length: 23 }, (_, i) => 8192 + i * 1024))
  })

  it('that it does not have are refused with the nearest that it has', () => {
    expect(fargateSizeProblem(4, Size.gibibytes(16))).toBeNull()
    expect(fargateSizeProblem(8, Size.gibibytes(18))).toMatch(/18432 MiB: with 8 vCPU .* 16384 to 61440 .* 20480/)
    expect(fargateSizeProblem(2, Size.gibibytes(64))).toMatch(/nearest is 16384/)
    expect(fargateSizeProblem(6, Size.gibibytes(16))).toMatch(/vcpus of 6: Fargate has 0.25, 0.5, 1, 2, 4, 8, 16/)
  })

  it('are asked of Fargate only', () => {
    const size = { vcpus: 6, memory: Size.gibibytes(24) }
    expect(batchProblems({ kind: 'batch', ...size })).toHaveLength(1)
    expect(batchProblems({ kind: 'batch', on: 'ec2', ...size })).toEqual([])
    expect(batchProblems({ kind: 'batch' })).toEqual([])
  })
})
