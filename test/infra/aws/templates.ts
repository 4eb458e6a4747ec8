/** Stacks as their templates, synthesized in-process: no network, no account. */
import process from 'node:process'
import { App, type Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AuditStack, plainStack } from '../../../infra/aws/lib/audit-stack.ts'
import type { SnapproofAuditProps } from '../../../infra/aws/lib/snapproof-audit.ts'

// CDK's own validation of templates costs seconds; `npm run synth` has it, and strict.
process.env.CDK_VALIDATION = 'false'

export interface Resource {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: the shape of a resource is CloudFormation's, and the assertions say what they expect of it
  readonly Properties: any
  readonly DeletionPolicy?: string
  readonly DependsOn?: readonly string[]
}

export const account = '111122223333'
export const baseProps: SnapproofAuditProps = {
  repository: { name: 'production', bucketName: 'snapshots', basePath: 'elastic/prod' },
  image: { uri: '111122223333.dkr.ecr.eu-central-1.amazonaws.com/snapproof:1.2.3' },
}

/** With names and numbers in the place of parameters. */
export function synth(
  props: Partial<SnapproofAuditProps> | ((stack: Stack) => Partial<SnapproofAuditProps>) = {},
): Template {
  const stack = new AuditStack(
    new App({ analyticsReporting: false }),
    'audit',
    scope => ({ ...baseProps, ...(typeof props === 'function' ? props(scope) : props) }),
    { env: { account, region: 'eu-central-1' } },
  )
  return Template.fromStack(stack)
}

const plain = new Map<string, Template>()

/** A plain template, as `npm run synth` writes it. */
export function plainTemplate(name: string): Template {
  const known = plain.get(name) ?? Template.fromStack(plainStack(new App({ analyticsReporting: false }), name))
  plain.set(name, known)
  return known
}

/** Resources of a type by logical id. */
export function resources(template: Template, type: string): Map<string, Resource> {
  return new Map(Object.entries(template.findResources(type)) as [string, Resource][])
}

/** The one resource of a type whose logical id matches. */
export function resource(template: Template, type: string, id: RegExp = /./): Resource {
  const found = [...resources(template, type)].filter(([logicalId]) => id.test(logicalId))
  const [only] = found
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources ${type} ${id}`)
  return only[1]
}

/** Intrinsic functions as text: `<Id.Arn>/prefix/*`. */
export function flat(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[name, argument] = ['', null]] = Object.entries(value)
  if (name === 'Ref') return `<${String(argument)}>`
  if (name === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument.join('.')}>`
  if (name === 'Fn::Join' && Array.isArray(argument) && Array.isArray(argument[1])) {
    return argument[1].map(flat).join(String(argument[0]))
  }
  if (name === 'Fn::Sub' && typeof argument === 'string') return argument.replace(/\$\{(?!!)([^}]*)\}/g, '<$1>')
  return JSON.stringify(value)
}
