/**
 * `npm run synth`: plain CloudFormation templates in infra/aws/out/templates, for people without CDK. Needs no network and no account, and
 * fails on any finding of cdk-nag that is not acknowledged with a reason.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { plainStack, plainTemplates } from '../lib/audit-stack.ts'

const out = join(import.meta.dirname, '..', 'out')
const templates = join(out, 'templates')
rmSync(templates, { recursive: true, force: true })
mkdirSync(templates, { recursive: true })
const app = new App({
  outdir: join(out, 'assembly'),
  analyticsReporting: false,
  // CDK validates the templates against CloudFormation's schemas; a warning fails, too.
  context: { '@aws-cdk/core:strictCfnValidateErrors': true },
})
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
for (const name of Object.keys(plainTemplates)) plainStack(app, name)
for (const { stackName, template } of app.synth().stacks) {
  const text = compact(template)
  writeFileSync(join(templates, `${stackName}.template.json`), `${text}\n`)
  console.log(
    `${join('infra/aws/out/templates', `${stackName}.template.json`)}  ${Object.keys(template.Resources).length} resources, ${text.length} bytes`,
  )
}

/**
 * One line for each resource. A template above 51,200 bytes cannot be handed to CloudFormation without a bucket, and
 * indentation alone is a third.
 */
function compact(template: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string {
  const sections = Object.entries(template).map(([name, section]) => {
    if (typeof section !== 'object') return `${JSON.stringify(name)}:${JSON.stringify(section)}`
    const lines = Object.entries(section).map(([id, value]) => `${JSON.stringify(id)}:${JSON.stringify(value)}`)
    return `${JSON.stringify(name)}:{\n${lines.join(',\n')}\n}`
  })
  return `{\n${sections.join(',\n')}\n}`
}
