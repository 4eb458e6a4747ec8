/** Could this engine be started here? Looks only; nothing is fetched or started. For `doctor`. */
import { SnapproofError } from '../errors.ts'
import type { EngineConfig } from '../model/config.ts'
import { distributionInstallation } from './distribution.ts'
import { type Environment, findCommand, findJdk } from './jdk.ts'
import { familyOf } from './maven-families.ts'

/** A sentence for people. Throws `no-jdk`, `no-maven`, `no-distribution` or `configuration`. */
export async function engineReady(engine: EngineConfig, environment: Environment): Promise<string> {
  if (engine.kind === 'distribution') {
    if (engine.home === null) throw new SnapproofError('configuration', `engine ${engine.name} needs home`)
    await distributionInstallation(engine.home, environment)
    return `${engine.name}: a distribution is in ${engine.home}`
  }
  const { product, version } = engine
  const jdk = await findJdk({ ...familyOf(product, version).jdk, neededBy: `${product} ${version}` }, environment)
  const mvn = await findCommand('mvn', environment)
  if (mvn === null) {
    throw new SnapproofError(
      'no-maven',
      `engine ${engine.name} is fetched with Maven, and there is no mvn on the PATH`,
      {
        advice: 'Install Maven, or use an engine of kind distribution.',
      },
    )
  }
  return `${engine.name}: JDK ${jdk.version} in ${jdk.home}, Maven at ${mvn}`
}
