/** What the Dockerfile says, and what other files say of it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { buildCommand, type ImageOptions, publicSource } from '../../infra/image/command.ts'
import { sourceVersion } from '../../infra/local/cluster.ts'
import { nodeLtsVersion } from '../../infra/local/fetch-node.ts'

const dockerfile = readFileSync('Dockerfile', 'utf8')
const defaults = new Map(
  [...dockerfile.matchAll(/^ARG (\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
)

describe('the Dockerfile', () => {
  it('names the Node LTS and the server that the tests run', () => {
    expect(defaults.get('NODE')).toBe(`docker.io/library/node:${nodeLtsVersion}-bookworm`)
    expect(defaults.get('ELASTICSEARCH_VERSION')).toBe(sourceVersion)
    expect(defaults.get('SEARCH_SERVER')).toBe(
      `docker.elastic.co/elasticsearch/elasticsearch:\${ELASTICSEARCH_VERSION}`,
    )
  })

  it('starts from its two arguments and nothing else', () => {
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)).toEqual([`\${NODE}`, `\${SEARCH_SERVER}`])
    expect(dockerfile).not.toMatch(/^# *syntax=/m) // which would be fetched
  })

  it('is given what it copies, and nothing else', () => {
    const ignore = readFileSync('.dockerignore', 'utf8').split('\n')
    expect(ignore.filter(line => line !== '' && !/^[#!]/.test(line))).toEqual(['*'])
    const allowed = ignore.filter(line => line.startsWith('!')).map(line => line.slice(1))
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '))
    expect(allowed.toSorted()).toEqual([...new Set(copied)].toSorted())
  })
})

describe('the command that builds it', () => {
  const options: ImageOptions = {
    engine: 'docker',
    tag: 'snapproof:1',
    version: '1.2.3',
    revision: 'abc',
    source: null,
  }

  it('leaves the defaults to the Dockerfile', () => {
    const { command, args } = buildCommand(options)
    expect([command, ...args].join(' ')).toBe(
      'docker build --build-arg VERSION=1.2.3 --build-arg REVISION=abc --tag snapproof:1 .',
    )
  })

  it('passes on what is asked for', () => {
    const { args } = buildCommand({
      ...options,
      source: 'https://example.com/snapproof',
      searchServer: 'a@sha256:1',
      elasticsearchVersion: '8.19.0',
      node: 'b:2',
      platform: 'linux/arm64',
      more: ['--network', 'host'],
    })
    expect(args.join(' ')).toBe(
      'build --build-arg SEARCH_SERVER=a@sha256:1 --build-arg ELASTICSEARCH_VERSION=8.19.0 --build-arg NODE=b:2 --build-arg VERSION=1.2.3 --build-arg REVISION=abc --build-arg SOURCE=https://example.com/snapproof --platform linux/arm64 --network host --tag snapproof:1 .',
    )
  })

  test.each([
    ['git@github.com:team/snapproof.git', 'https://github.com/team/snapproof'],
    ['ssh://git@github.com/team/snapproof.git', 'https://github.com/team/snapproof'],
    ['https://github.com/team/snapproof', 'https://github.com/team/snapproof'],
    ['https://dora:secret@example.com/team/snapproof.git?token=x#y', 'https://example.com/team/snapproof'],
    ['https://token@example.com:8443/snapproof', 'https://example.com:8443/snapproof'],
    ['/srv/git/snapproof', null],
    ['file:///srv/git/snapproof', null],
    ['ssh://git@example.com:2222/team/snapproof', null],
    ['', null],
  ])('says of the remote %s that the source is %s', (remote, source) => {
    expect(publicSource(remote)).toBe(source)
  })
})
