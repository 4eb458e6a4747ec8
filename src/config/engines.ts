/** The throwaway servers in the configuration. */
import { filePath, oneOf, section, text, whole } from './shapes.ts'

export const engine = section({
  name: text('a name of letters, digits, ".", "_", "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/).meta({
    description: 'Unique; plans and reports name the engine by it.',
  }),
  kind: oneOf(['maven', 'distribution']).meta({
    description:
      'distribution: a folder with bin/elasticsearch or bin/opensearch. maven: put together from Maven Central; lacks x-pack mappers, painless and extra analyzers.',
  }),
  product: oneOf(['elasticsearch', 'opensearch']).default('elasticsearch').meta({ description: 'What the server is.' }),
  version: text('a version such as 9.5.3', /^\d{1,3}\.\d{1,3}\.\d{1,3}$/).meta({
    description: 'A snapshot is restored by the nearest configured version at or above its own.',
  }),
  home: filePath.nullable().default(null).meta({ description: 'Folder of the distribution; kind distribution only.' }),
  heapMb: whole(256, 31_744, 'MiB').default(1024).meta({ description: 'Heap of the server in MiB.' }),
})
