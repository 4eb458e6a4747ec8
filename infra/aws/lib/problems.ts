/** What is wrong with the props, said in one sentence at synth. */
import { Token } from 'aws-cdk-lib'

/** @throws Error with all problems at once */
export function requireNoProblems(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`SnapproofAudit: ${problems.join('; ')}`)
}

/** Values that are known at deployment only are not judged here; `doctor` does it in the account. */
export function known(value: string | undefined): value is string {
  return value !== undefined && !Token.isUnresolved(value)
}
