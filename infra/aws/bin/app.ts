/**
 * The CDK app: one repository, settings from the context (`cdk deploy -c bucket=… -c image=…`). infra/README.md lists them.
 */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { AuditStack } from '../lib/audit-stack.ts'
import { contextProps } from '../lib/context.ts'

const app = new App()
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
const props = contextProps(key => app.node.tryGetContext(key))
new AuditStack(app, `snapproof-${props.repository.name.replace(/[^A-Za-z0-9-]/g, '-')}`, () => props)
