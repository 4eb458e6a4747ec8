/** Our image: a URI, or a tag in an ECR repository. From ECR it is pulled by a role, which gets exactly that. */
import { Arn, ArnFormat, Aws } from 'aws-cdk-lib'

import { type IBuildImage, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild'
import { type IRepository, Repository } from 'aws-cdk-lib/aws-ecr'
import { ContainerImage } from 'aws-cdk-lib/aws-ecs'
import type { Construct } from 'constructs'
import { known } from './problems.ts'

export type AuditImage =
  /** `registry/name:tag` or `registry/name@sha256:…`; of ECR, or of a registry that asks for no credentials. */
  | { readonly uri: string }
  /** Tag or `sha256:…`. */
  | { readonly repository: IRepository; readonly tag: string }

const ecrUri =
  /^(?<account>\d{12})\.dkr\.ecr\.(?<region>[\w-]+)\.amazonaws\.com(?:\.cn)?\/(?<name>[^:@]+)[:@](?<tag>sha256:[0-9a-f]{64}|[\w.-]+)$/

/** A URI of ECR as the repository that it names, so that the right to pull can be given; everything else as it is. */
export function resolveImage(scope: Construct, image: AuditImage): AuditImage {
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

export function imageProblems(image: AuditImage): string[] {
  if ('tag' in image)
    return image.tag === 'latest' ? ['image.tag "latest" changes under a running schedule: pin it'] : []
  if (!known(image.uri)) return []
  return /(?::(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(image.uri)
    ? []
    : [`image.uri "${image.uri}" has no fixed tag or digest`]
}

export function buildImage(image: AuditImage): IBuildImage {
  return 'tag' in image
    ? LinuxBuildImage.fromEcrRepository(image.repository, image.tag)
    : LinuxBuildImage.fromDockerRegistry(image.uri)
}

export function containerImage(image: AuditImage): ContainerImage {
  return 'tag' in image
    ? ContainerImage.fromEcrRepository(image.repository, image.tag)
    : ContainerImage.fromRegistry(image.uri)
}
