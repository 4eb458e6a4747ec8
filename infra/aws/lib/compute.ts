/** What schedule, event rule and alarms need to know of the place where a run happens. */
import type { Duration } from 'aws-cdk-lib'
import type { CfnRule } from 'aws-cdk-lib/aws-events'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'

export interface StartTarget {
  /** Target of EventBridge Scheduler. */
  readonly arn: string
  readonly permissions: readonly PolicyStatement[]
  /** Of the rule that starts a look: it starts one machine, whatever the night is made of. */
  readonly eventPermissions: readonly PolicyStatement[]
  /** Input of the Scheduler target; null: none. */
  readonly input: string | null
  /** Target of an EventBridge rule; the variables are added to the environment of the run. */
  eventTarget(variables: Readonly<Record<string, string>>): Omit<CfnRule.TargetProperty, 'id' | 'roleArn'>
}

export interface Compute {
  readonly kind: 'codebuild' | 'batch'
  /** Of a whole night. */
  readonly timeout: Duration
  /** Longest wait between start and run. */
  readonly queuedTimeout: Duration
  readonly target: StartTarget
  /** Value of the dimension whose metric counts failed executions: the project, or the rule for failed jobs. */
  readonly failureSource: string
  /** Command that starts an audit by hand. */
  readonly firstAudit: string
  /** Command that asks in the same place, with the same role, whether everything is in place. */
  readonly doctor: string
}
