/**
 * An image by the conventions of the official one, from the local base of the image tests: entrypoint, user 1000:0, settings by
 * environment variables with a dot, what is written in data, logs and config.
 *
 * elastic/elasticsearch: distribution/docker/src/docker/bin/docker-entrypoint.sh, distribution/src/bin/elasticsearch-env @ 9.5.3
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { ensureBaseImages } from '../../infra/image/local/base-images.ts'
import type { Podman } from '../../infra/image/local/podman.ts'
import { cacheFolder } from '../../src/config/cache.ts'

export const officialImage = 'localhost/snapproof-test/official-elasticsearch:latest'

const entrypoint = `#!/bin/bash
set -e
umask 0002
[ "$1" = eswrapper ] || exec "$@"
arguments=()
while IFS='=' read -r key value; do
  [[ "$key" =~ ^[a-z0-9_]+\\.[a-z0-9_]+ ]] && [ -n "$value" ] && arguments+=("-E$key=$value")
done < <(env)
[ "$(id -u)" != 0 ] || { echo 'fatal exception: can not run elasticsearch as root' >&2; exit 1; }
export ES_PATH_CONF=/usr/share/elasticsearch/config ES_TMPDIR=/tmp
# The real one makes its keystore here.
touch /usr/share/elasticsearch/config/elasticsearch.keystore
echo "settings: \${arguments[*]}" > /usr/share/elasticsearch/logs/settings.txt
exec /usr/share/elasticsearch/bin/elasticsearch "\${arguments[@]}"
`

/** Built upon the base in a second. */
export async function buildOfficialImage(podman: Podman, folder: string, say: (text: string) => void): Promise<string> {
  const { searchServer } = await ensureBaseImages(podman, say)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'docker-entrypoint.sh'), entrypoint)
  await chmod(join(folder, 'docker-entrypoint.sh'), 0o755)
  const file = `FROM ${searchServer}
USER 0
COPY docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
RUN mkdir -p /usr/share/elasticsearch/data /usr/share/elasticsearch/logs && chown -R 1000:0 /usr/share/elasticsearch/config /usr/share/elasticsearch/data /usr/share/elasticsearch/logs && chmod -R g=u /usr/share/elasticsearch/config /usr/share/elasticsearch/data /usr/share/elasticsearch/logs
USER 1000:0
EXPOSE 9200 9300
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["eswrapper"]
`
  await writeFile(join(folder, 'Dockerfile'), file)
  await podman.ask(['build', '--quiet', '--tag', officialImage, folder])
  return officialImage
}

/**
 * A command that understands what docker does: podman with the store of the image tests. This podman (4.3, CNI) gives the bridge of an
 * internal network no address on this machine, as Docker and newer ones do: that is made up for.
 */
export async function writeContainerCommand(folder: string): Promise<string> {
  const store = join(cacheFolder(process.env), 'containers')
  const path = join(folder, 'podman-here')
  const script = `#!/bin/bash
export CONTAINERS_CONF=${store}/containers.conf
driver=overlay
[ -d ${store}/overlay/root ] || driver=vfs
podman --root ${store}/$driver/root --runroot ${store}/$driver/run --storage-driver $driver "$@"
code=$?
if [ "$1 $2" = "network create" ]; then
  for name; do :; done
  file="/etc/cni/net.d/$name.conflist"
  [ ! -f "$file" ] || sed -i 's/"isGateway": false/"isGateway": true/' "$file"
fi
exit $code
`
  await writeFile(path, script)
  await chmod(path, 0o755)
  return path
}
