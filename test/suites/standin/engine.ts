/** An engine over the stand-in's wire: the client, the answers and the port of `src/engine`, without a process. */
import { connect } from '../../../src/engine/client.ts'
import type { Engine } from '../../../src/engine/port.ts'
import type { ServerProcess } from '../../../src/engine/process.ts'
import { serverEngine } from '../../../src/engine/server.ts'
import type { Clock } from '../../../src/time.ts'
import { startStandIn, type WireFault } from './server.mjs'

export interface StandInEngineOptions {
  readonly name: string
  /** Below it lie the repositories. */
  readonly folder: string
  readonly clock: Clock
  /** `die`: the process has ended by the time of this request. */
  readonly onRequest: (request: { readonly method: string; readonly path: string }) => WireFault | 'die' | undefined
  /** For the answer to one request. */
  readonly timeoutMs: number
}

/** `stopped` counts: every engine that was started must be stopped. */
export async function startStandInEngine(options: StandInEngineOptions, living: Set<object>): Promise<Engine> {
  const { name, folder, clock, onRequest, timeoutMs } = options
  let ended: string | null = null
  let stopping = false
  let finish: (how: string) => void = () => {}
  const end = new Promise<string>(resolve => {
    finish = how => {
      ended = how
      resolve(how)
    }
  })
  const server = await startStandIn({
    onRequest: request => {
      if (ended !== null) return 'reset'
      const fault = onRequest(request)
      if (fault !== 'die') return fault
      finish('signal SIGKILL')
      return 'reset'
    },
  })
  const client = connect({ url: `http://${server.address}` })
  const request = client.transport.request.bind(client.transport)
  client.transport.request = ((params: never, given: { requestTimeout?: number }) =>
    request(params, { ...given, requestTimeout: Math.min(timeoutMs, given.requestTimeout ?? timeoutMs) })) as never
  const process: ServerProcess = {
    pid: null,
    end,
    ended: () => ended,
    get stopping() {
      return stopping
    },
    tail: () => ['the stand-in says nothing'],
    stop: async () => {
      stopping = true
      finish('exit code 0')
    },
  }
  living.add(server)
  const facts = { name, kind: 'distribution', product: 'elasticsearch', version: '9.5.3', indexVersion: null } as const
  return serverEngine({
    facts: { ...facts, xpack: false, egressBlocked: false },
    client,
    process,
    repositories: folder,
    clock,
    stop: async () => {
      await process.stop(0)
      await client.close()
      await server.close()
      living.delete(server)
    },
  })
}
