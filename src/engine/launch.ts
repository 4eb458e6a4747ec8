/** What is needed to start a server, whatever kind of engine it is. */

export type Product = 'elasticsearch' | 'opensearch'

/** Where a run keeps what its engine writes; all of it goes when the engine stops. */
export interface RunFolders {
  readonly root: string
  readonly data: string
  readonly logs: string
  readonly temp: string
  readonly repositories: string
  readonly config: string
}

export interface Launch {
  readonly product: Product
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
}

export interface LaunchInput {
  readonly folders: RunFolders
  readonly heapMb: number
  /** Node settings, as `nodeSettings` gives them. */
  readonly settings: ReadonlyMap<string, string>
}

/** A server that can be started again and again. */
export interface Installation {
  readonly product: Product
  /** Modules and plugins it has; some settings exist only with them. */
  readonly modules: ReadonlySet<string>
  /** Fills the run's config folder and says what to start. */
  prepare(input: LaunchInput): Promise<Launch>
}
