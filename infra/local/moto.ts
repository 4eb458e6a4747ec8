/**
 * moto, the AWS stand-in for tests of wire shapes: installed once into a cache outside the tree, started on a free port.
 * It keeps everything in memory and checks no credentials.
 */
import { join } from 'node:path'
import getPort from 'get-port'
import { installPython } from './python-tools.ts'
import { startServer } from './servers.ts'

export const motoVersion = '5.2.5'

export interface Moto {
  /** For `endpointUrl` of S3 and CloudWatch clients alike. */
  readonly endpointUrl: string
  readonly port: number
  /** Forgets everything that was made. */
  reset(): Promise<void>
  /** Kills it. Idempotent. */
  stop(): Promise<void>
}

/** Installs moto unless the cache has it. Resolves with the path of `moto_server`. */
export async function installMoto(): Promise<string> {
  return join(await installPython('moto', motoVersion, '[server]'), 'moto_server')
}

/**
 * Starts a server of its own; it dies with this process.
 *
 * @throws Error with the last lines of its log when it does not answer within 60 s
 */
export async function ensureMoto(): Promise<Moto> {
  const command = await installMoto()
  const port = await getPort({ host: '127.0.0.1' })
  const endpointUrl = `http://127.0.0.1:${port}`
  const args = ['-H', '127.0.0.1', '-p', String(port)]
  const { stop } = await startServer(command, args, `${endpointUrl}/moto-api/data.json`)
  return {
    endpointUrl,
    port,
    async reset() {
      const response = await fetch(`${endpointUrl}/moto-api/reset`, {
        method: 'POST',
        signal: AbortSignal.timeout(10_000),
      })
      if (!response.ok) throw new Error(`moto did not reset: ${response.status}`)
    },
    stop,
  }
}
