/**
 * A folder that looks like a distribution: `bin/elasticsearch` takes `-E` settings and the environment that a real one takes,
 * and starts the server that kind `maven` puts together as a child of its own, as a real one does.
 */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findJdk } from '../../../src/engine/jdk.ts'

const launcher = fileURLToPath(new URL('../../../src/engine/launchers/LaunchElasticsearch8And9.java', import.meta.url))

/** `cacheFolder` must hold the installation already. */
export async function fakeDistribution(folder: string, cacheFolder: string, version: string): Promise<string> {
  const installation = (await readdir(cacheFolder)).find(name => name.startsWith(`elasticsearch-${version}-layout`))
  if (installation === undefined) throw new Error(`no installation of ${version} in ${cacheFolder}`)
  const home = join(cacheFolder, installation)
  const { java } = await findJdk({ minimum: 21, neededBy: 'the fake distribution' }, process.env)
  const script = `#!/bin/bash
settings=()
for argument in "$@"; do settings+=("\${argument#-E}"); done
printf 'rootLogger.level = info\\nrootLogger.appenderRef.c.ref = c\\nappender.c.type = Console\\nappender.c.name = c\\n' > "$ES_PATH_CONF/log4j2.properties"
# Not exec, and with an input that never ends: only the death of the group ends this server.
sleep 100000 | "${java}" $ES_JAVA_OPTS -Djava.io.tmpdir="$ES_TMPDIR" --module-path "${home}/lib" \\
  --add-modules=ALL-MODULE-PATH,jdk.incubator.vector,jdk.net \\
  --enable-native-access=ALL-UNNAMED,org.elasticsearch.nativeaccess,org.apache.lucene.core \\
  -Des.path.home="${home}" "${launcher}" "${home}" "$ES_PATH_CONF" "\${settings[@]}"
`
  const path = join(folder, 'bin', 'elasticsearch')
  await mkdir(dirname(path), { recursive: true })
  await mkdir(join(folder, 'config'), { recursive: true })
  await writeFile(join(folder, 'config', 'elasticsearch.yml'), 'http.port: 1\n')
  await writeFile(path, script)
  await chmod(path, 0o755)
  return folder
}
