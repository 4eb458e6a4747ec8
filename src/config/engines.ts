/** The throwaway servers in the configuration, and what no single key of theirs can say. */
import * as z from 'zod'
import { gotAllowed } from './problems.ts'
import { controls, filePath, oneOf, section, text, whole } from './shapes.ts'

const urlAllowed = 'http://host:port or https://host:port, without user, password and query'

export const engine = section({
  name: text('a name of letters, digits, ".", "_", "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/).meta({
    description: 'Unique; plans and reports name the engine by it.',
  }),
  kind: oneOf(['maven', 'distribution', 'container', 'endpoint']).meta({
    description:
      'distribution: a folder with bin/elasticsearch or bin/opensearch. container: an image run by docker or podman. endpoint: a cluster that somebody else runs for us alone. maven: put together from Maven Central; lacks x-pack mappers, painless and extra analyzers.',
  }),
  product: oneOf(['elasticsearch', 'opensearch']).default('elasticsearch').meta({ description: 'What the server is.' }),
  version: text('a version such as 9.5.3', /^\d{1,3}\.\d{1,3}\.\d{1,3}$/).meta({
    description: 'A snapshot is restored by the nearest configured version at or above its own.',
  }),
  home: filePath.nullable().default(null).meta({ description: 'distribution: its folder.' }),
  heapMb: whole(256, 31_744, 'MiB')
    .default(1024)
    .meta({ description: 'Heap of the server in MiB; not of an endpoint.' }),
  image: text(
    'an image such as docker.elastic.co/elasticsearch/elasticsearch:9.5.3@sha256:…',
    /^[A-Za-z0-9][\w./:@-]{0,511}$/,
  )
    .nullable()
    .default(null)
    .meta({ description: 'container: the image, best by digest; none: the official one of this version.' }),
  command: filePath
    .nullable()
    .default(null)
    .meta({ description: 'container: the command to run it with; none: docker, else podman, whichever is there.' }),
  memoryMb: whole(512, 4_194_304, 'MiB')
    .nullable()
    .default(null)
    .meta({ description: 'container: limit of its memory in MiB; none: twice the heap and 512.' }),
  network: oneOf(['internal', 'published']).nullable().default(null).meta({
    description:
      'container: internal: reached at its own address, and reaches nothing itself (Linux). published: a port of the loopback, egress open. none: internal where that works.',
  }),
  readOnly: z
    .boolean({ error: 'true, false' })
    .default(true)
    .meta({ description: 'container: may it write only its data, logs, configuration and /tmp?' }),
  url: text(urlAllowed, /^https?:\/\/[A-Za-z0-9.[\]:-]+\/?$/)
    .nullable()
    .default(null)
    .meta({ description: 'endpoint: where the cluster answers.' }),
  clusterName: text('a name of 1 to 255 characters without spaces and control characters', /^[\x21-\x7e]{1,255}$/)
    .nullable()
    .default(null)
    .meta({ description: 'endpoint: the name of the cluster, repeated, so that no other one is ever touched.' }),
  repositoryFolder: text('an absolute path', new RegExp(`^/[^${controls}]*$`))
    .nullable()
    .default(null)
    .meta({ description: 'endpoint: work.folder as the server sees it, within its path.repo.' }),
  authorizationFile: filePath
    .nullable()
    .default(null)
    .meta({ description: 'endpoint: a file with user:password, or with "ApiKey …" or "Bearer …".' }),
  authorizationVariable: text('a name such as SEARCH_AUTHORIZATION', /^[A-Za-z_][A-Za-z0-9_]{0,127}$/)
    .nullable()
    .default(null)
    .meta({ description: 'endpoint: an environment variable with the same; no SNAPPROOF_ name.' }),
})

type Kind = z.infer<typeof engine>['kind']

/** Keys that only one kind knows. */
const kindOfKey = {
  home: 'distribution',
  image: 'container',
  command: 'container',
  memoryMb: 'container',
  network: 'container',
  readOnly: 'container',
  url: 'endpoint',
  clusterName: 'endpoint',
  repositoryFolder: 'endpoint',
  authorizationFile: 'endpoint',
  authorizationVariable: 'endpoint',
} as const satisfies Partial<Record<keyof z.infer<typeof engine>, Kind>>

/** What each kind cannot do without, and how its error says what that is. */
const needed: Readonly<Partial<Record<Kind, Readonly<Record<string, string>>>>> = {
  distribution: { home: 'the folder with bin/elasticsearch or bin/opensearch' },
  endpoint: {
    url: urlAllowed,
    clusterName: 'the name of the cluster at url, repeated',
    repositoryFolder: 'work.folder as the server sees it, an absolute path within its path.repo',
  },
}

export interface EngineProblem {
  readonly key: string
  readonly message: string
}

/** Of one entry, which may be wrong in other ways. */
export function engineProblems(entry: Readonly<Record<string, unknown>>): EngineProblem[] {
  const { kind } = entry
  const problems: EngineProblem[] = []
  for (const [key, allowed] of Object.entries(needed[kind as Kind] ?? {})) {
    if ((entry[key] ?? null) === null) problems.push({ key, message: gotAllowed(undefined, allowed) })
  }
  for (const [key, owner] of Object.entries(kindOfKey)) {
    const value = entry[key] ?? null
    if (value === null || typeof kind !== 'string' || kind === owner) continue
    if (key === 'readOnly' && value === true) continue
    const message = gotAllowed(value, `nothing: only kind ${owner} has it, and this is kind ${kind}`)
    problems.push({ key, message })
  }
  if ((entry.authorizationFile ?? null) !== null && (entry.authorizationVariable ?? null) !== null) {
    const message = gotAllowed(entry.authorizationVariable, 'one of authorizationFile and authorizationVariable')
    problems.push({ key: 'authorizationVariable', message })
  }
  if (/^SNAPPROOF_/.test(String(entry.authorizationVariable ?? ''))) {
    // Every variable with this prefix is a key of the configuration, and is refused where it is none.
    const message = gotAllowed(entry.authorizationVariable, 'a name that does not begin with SNAPPROOF_')
    problems.push({ key: 'authorizationVariable', message })
  }
  return problems
}
