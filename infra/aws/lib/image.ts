/**
 * Our image: a URI, a tag in an ECR repository, or built from the Dockerfile at deployment. From ECR it is pulled by a role, which
 * gets exactly that.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Arn, ArnFormat, Aws, IgnoreMode } from 'aws-cdk-lib'

import { type IBuildImage, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild'
import { type IRepository, Repository } from 'aws-cdk-lib/aws-ecr'
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets'
import { ContainerImage } from 'aws-cdk-lib/aws-ecs'
import type { Construct } from 'constructs'
import { known } from './problems.ts'

export type AuditImage =
  /** `registry/name:tag` or `registry/name@sha256:…`; of ECR, or of a registry that asks for no credentials. */
  | { readonly uri: string }
  /** Tag or `sha256:…`. */
  | { readonly repository: IRepository; readonly tag: string }
  /** Built by `cdk deploy`, which needs Docker there and a bootstrapped account. Synth needs neither. */
  | { readonly build: ImageBuild }

export interface ImageBuild {
  /** Folder of the Dockerfile. @default this repository */
  readonly directory?: string
  /** Reference of the search server's image, best with a digest. @default the Dockerfile's */
  readonly searchServer?: string
  /** Reference of the image that builds, with Node. @default the Dockerfile's */
  readonly node?: string
}

/** An image that lies somewhere. */
export type PlacedImage = Exclude<AuditImage, { readonly build: ImageBuild }>

const ownDirectory = resolve(import.meta.dirname, '../../..')

const ecrUri =
  /^(?<account>\d{12})\.dkr\.ecr\.(?<region>[\w-]+)\.amazonaws\.com(?:\.cn)?\/(?<name>[^:@]+)[:@](?<tag>sha256:[0-9a-f]{64}|[\w.-]+)$/

/** Where the image lies. A URI of ECR becomes the repository that it names, so that the right to pull can be given. */
export function resolveImage(scope: Construct, image: AuditImage): PlacedImage {
  if ('build' in image) return builtImage(scope, image.build)
  if ('tag' in image || !known(image.uri)) return image
  const parts = ecrUri.exec(image.uri)?.groups
  if (parts === undefined) return image
  const { account = '', region = '', name = '', tag = '' } = parts
  const repositoryArn = Arn.format({
    partition: Aws.PARTITION,
    service: 'ecr',
    region,
    account,
    resource: 'repository',
    resourceName: name,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  })
  return {
    repository: Repository.fromRepositoryAttributes(scope, 'Image', { repositoryArn, repositoryName: name }),
    tag,
  }
}

function builtImage(scope: Construct, build: ImageBuild): PlacedImage {
  const { directory = ownDirectory, searchServer, node } = build
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string }
  const asset = new DockerImageAsset(scope, 'Image', {
    directory,
    // As Docker reads .dockerignore, whatever the app's feature flags say.
    ignoreMode: IgnoreMode.DOCKER,
    // What CodeBuild's and Batch's machines are here, wherever the image is built.
    platform: Platform.LINUX_AMD64,
    buildArgs: {
      VERSION: version,
      ...(searchServer === undefined ? {} : { SEARCH_SERVER: searchServer }),
      ...(node === undefined ? {} : { NODE: node }),
    },
  })
  return { repository: asset.repository, tag: asset.imageTag }
}

export function imageProblems(image: AuditImage): string[] {
  if ('build' in image) {
    const { directory = ownDirectory, searchServer, node } = image.build
    return [
      ...(['Dockerfile', 'package.json'].every(name => existsSync(join(directory, name)))
        ? []
        : [`image.build.directory ${directory} holds no Dockerfile and package.json`]),
      ...unpinned('image.build.searchServer', searchServer),
      ...unpinned('image.build.node', node),
    ]
  }
  if ('tag' in image)
    return image.tag === 'latest' ? ['image.tag "latest" changes under a running schedule: pin it'] : []
  return unpinned('image.uri', image.uri)
}

function unpinned(name: string, reference: string | undefined): string[] {
  if (!known(reference)) return []
  return /(?::(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(reference)
    ? []
    : [`${name} "${reference}" has no fixed tag or digest`]
}

export function buildImage(image: PlacedImage): IBuildImage {
  return 'tag' in image
    ? LinuxBuildImage.fromEcrRepository(image.repository, image.tag)
    : LinuxBuildImage.fromDockerRegistry(image.uri)
}

export function containerImage(image: PlacedImage): ContainerImage {
  return 'tag' in image
    ? ContainerImage.fromEcrRepository(image.repository, image.tag)
    : ContainerImage.fromRegistry(image.uri)
}
