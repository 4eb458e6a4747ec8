/** What an engine of any kind is started with, and what comes of it. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Client } from '@elastic/elasticsearch'
import type { Log } from '../log.ts'
import type { EngineConfig } from '../model/config.ts'
import type { Clock } from '../time.ts'
import type { Environment } from './jdk.ts'
import type { Product } from './launch.ts'
import type { Engine } from './port.ts'
import type { StoreAccess } from './repositoryS3.ts'

/** A run and its process, so that what it leaves when it is killed is known to be dead. */
export interface RunOwner {
  readonly runId: string
  readonly host: string
  readonly pid: number
}

export function thisProcess(): RunOwner {
  return { runId: randomUUID(), host: hostname(), pid: process.pid }
}

export interface EngineOptions {
  /** Key in the configuration; for facts and messages. */
  readonly name: string
  readonly kind: EngineConfig['kind']
  /** Default `elasticsearch`; a distribution says itself what it is. */
  readonly product?: Product
  /** Exact, such as `9.5.3`; a server of another version is refused. */
  readonly version: string
  /** Kind `distribution`: the folder that holds `bin/`. */
  readonly home?: string
  /** Kind `container`; see the configuration. */
  readonly image?: string | null
  readonly command?: string | null
  readonly memoryMb?: number | null
  readonly network?: EngineConfig['network']
  readonly readOnly?: boolean
  /** Kind `endpoint`; see the configuration. */
  readonly url?: string | null
  readonly clusterName?: string | null
  /** Kind `endpoint`: `repositoryFolder` as the server sees it. */
  readonly serverRepositories?: string | null
  readonly authorizationFile?: string | null
  readonly authorizationVariable?: string | null
  /** Whose run this is: labels of containers and names on an endpoint carry it. @default this process */
  readonly owner?: RunOwner
  /** Kind `maven`: where installations are kept between runs. */
  readonly cacheFolder?: string
  /** A new folder below it holds all that the server writes. */
  readonly workFolder: string
  /** What the server may read repositories from. @default a folder of its own, removed with it */
  readonly repositoryFolder?: string
  /** Kinds `distribution` and `maven`: the repository's store, for a server that is to read it itself. @default it gets nothing of it */
  readonly store?: StoreAccess | null
  readonly heapMb: number
  readonly startTimeoutMs: number
  /** PATH, HOME, JAVA_HOME are looked at; the rest reaches a distribution's start script. */
  readonly environment: Environment
  /** More node settings; tests only. */
  readonly settings?: ReadonlyMap<string, string>
  readonly signal: AbortSignal
  readonly log: Log
  readonly clock: Clock
}

/** A started engine with what only tests and the demo may touch. */
export interface StartedEngine {
  readonly engine: Engine
  readonly client: Client
  readonly pid: number
}

/** Signal 0 asks only; EPERM is another user's living process. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
