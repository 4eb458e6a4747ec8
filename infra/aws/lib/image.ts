/** Our image: a URI, or a tag in an ECR repository of this account, which the role may then pull. */

import { type IBuildImage, LinuxBuildImage } from 'aws-cdk-lib/aws-codebuild'
import type { IRepository } from 'aws-cdk-lib/aws-ecr'
import { ContainerImage } from 'aws-cdk-lib/aws-ecs'
import { known } from './problems.ts'

export type AuditImage =
  /** `registry/name:tag` or `registry/name@sha256:…`, pulled without credentials or from an ECR that trusts this account. */
  { readonly uri: string } | { readonly repository: IRepository; readonly tag: string }

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
