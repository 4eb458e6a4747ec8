/** Pure: the command that builds the image. */

export interface ImageOptions {
  /** `docker`, `podman`, or anything that takes their arguments. */
  readonly engine: string
  readonly tag: string
  /** Of the program. */
  readonly version: string
  /** Commit, with `-dirty` behind it where files differ from it. */
  readonly revision: string
  /** URL of the source; null: not told. */
  readonly source: string | null
  /** Reference of the search server's image, best with a digest. @default the Dockerfile's */
  readonly searchServer?: string
  /** Version of the official Elasticsearch image. @default the Dockerfile's */
  readonly elasticsearchVersion?: string
  /** Reference of the image that builds. @default the Dockerfile's */
  readonly node?: string
  readonly platform?: string
  /** More arguments of the engine. */
  readonly more?: readonly string[]
}

export function buildCommand(options: ImageOptions): { readonly command: string; readonly args: readonly string[] } {
  const values: Readonly<Record<string, string | undefined>> = {
    SEARCH_SERVER: options.searchServer,
    ELASTICSEARCH_VERSION: options.elasticsearchVersion,
    NODE: options.node,
    VERSION: options.version,
    REVISION: options.revision,
    SOURCE: options.source ?? undefined,
  }
  return {
    command: options.engine,
    args: [
      'build',
      ...Object.entries(values).flatMap(([name, value]) =>
        value === undefined ? [] : ['--build-arg', `${name}=${value}`],
      ),
      ...(options.platform === undefined ? [] : ['--platform', options.platform]),
      ...(options.more ?? []),
      '--tag',
      options.tag,
      '.',
    ],
  }
}

/**
 * The URL of a git remote as a label may show it: https, without user and password. Null for what is no URL that others
 * could open.
 */
export function publicSource(remote: string): string | null {
  const ssh = /^(?:ssh:\/\/)?[\w.-]+@([\w.-]+)[:/](?!\d+\/)(.+)$/.exec(remote)
  const text = ssh === null ? remote : `https://${ssh[1]}/${ssh[2]}`
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href.replace(/\.git$/, '')
}
