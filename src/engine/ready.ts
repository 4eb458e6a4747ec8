/** Could this engine be started here? Looks only; nothing is fetched or started. For `doctor`. */
import { SnapproofError } from '../errors.ts'
import type { EngineConfig } from '../model/config.ts'
import { imageOf } from './containerArguments.ts'
import { findContainerTool } from './containerTool.ts'
import { distributionInstallation } from './distribution.ts'
import { lookAtEndpoint } from './endpoint.ts'
import { type Environment, findCommand, findJdk } from './jdk.ts'
import { familyOf } from './maven-families.ts'

/**
 * A sentence for people. Throws `no-jdk`, `no-maven`, `no-distribution`, `no-container-engine`, `endpoint-refused` or
 * `configuration`.
 */
export async function engineReady(
  engine: EngineConfig,
  environment: Environment,
  signal: AbortSignal,
): Promise<string> {
  const { name, kind, product, version } = engine
  switch (kind) {
    case 'distribution': {
      if (engine.home === null) throw new SnapproofError('configuration', `engine ${name} needs home`)
      await distributionInstallation(engine.home, environment)
      return `${name}: a distribution is in ${engine.home}`
    }
    case 'container': {
      const tool = await findContainerTool(engine.command, name, environment, signal)
      const image = imageOf(engine)
      const { code } = await tool.tell(['image', 'inspect', '--format', '{{.Id}}', image], { signal })
      return `${name}: ${tool.command} answers; ${image} ${code === 0 ? 'is here' : 'is not here and will be pulled'}`
    }
    case 'endpoint':
      await lookAtEndpoint(engine, environment, signal)
      return `${name}: ${engine.url} is ${engine.clusterName}, ${product} ${version}, and holds nothing but ours`
    case 'maven': {
      const jdk = await findJdk({ ...familyOf(product, version).jdk, neededBy: `${product} ${version}` }, environment)
      const mvn = await findCommand('mvn', environment)
      if (mvn !== null) return `${name}: JDK ${jdk.version} in ${jdk.home}, Maven at ${mvn}`
      throw new SnapproofError('no-maven', `engine ${name} is fetched with Maven, and there is no mvn on the PATH`, {
        advice: 'Install Maven, or use an engine of kind distribution.',
      })
    }
  }
}
