/**
 * What a server needs to read the repository's store itself, with its own repository-s3.
 *
 * It gets no credentials: it asks for them as in a container of ECS, and a relay of ours on the loopback answers with those of
 * our own chain, which refreshes them. So nothing is in argv, in a keystore or on a disk, whichever chain it is: a role, a
 * profile, keys in the environment. The relay is for whoever knows its token, which is in the server's environment.
 *
 * aws/aws-sdk-java-v2: core/auth/src/main/java/software/amazon/awssdk/auth/credentials/ContainerCredentialsProvider.java @ 2.32 (full URI on
 * the loopback, authorization token); opensearch-project/OpenSearch: plugins/repository-s3/src/main/java/org/opensearch/repositories/
 * s3/{S3Service,S3ClientSettings}.java @ 3.3.0 (refine: client settings in those of the repository).
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, isoTime } from '../time.ts'

export interface StoreCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

export interface StoreAccess {
  readonly bucket: string
  /** Without slashes at its ends. */
  readonly basePath: string
  readonly region: string
  /** For stores that speak S3 and are not Amazon's. */
  readonly endpointUrl: string | null
  readonly pathStyle: boolean
  /** Those that count now; refreshed by whoever gives them. */
  credentials(): Promise<StoreCredentials>
}

/** Body of `PUT /_snapshot/<repository>`. */
export function storeRepositoryBody(access: StoreAccess): Record<string, unknown> {
  const { bucket, basePath, region, endpointUrl, pathStyle } = access
  const endpoint = endpointUrl === null ? null : new URL(endpointUrl)
  return {
    type: 's3',
    settings: {
      bucket,
      base_path: basePath,
      readonly: true,
      max_restore_bytes_per_sec: '0',
      region,
      path_style_access: pathStyle,
      ...(endpoint === null
        ? {}
        : {
            endpoint: `${endpoint.host}${endpoint.pathname.replace(/\/$/, '')}`,
            protocol: endpoint.protocol.replace(':', ''),
          }),
    },
  }
}

export interface CredentialRelay {
  /** For the server's process, instead of everything that begins with AWS_. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

const askAgainMs = 3_600_000

export async function startCredentialRelay(
  access: Pick<StoreAccess, 'credentials' | 'region'>,
  clock: Clock,
): Promise<CredentialRelay> {
  const token = randomBytes(32).toString('hex')
  const server = createServer((request, response) => {
    request.resume()
    void answer(request.headers.authorization, access, token, clock).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    environment: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
      AWS_REGION: access.region,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  authorization: string | undefined,
  { credentials }: Pick<StoreAccess, 'credentials'>,
  token: string,
  clock: Clock,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, string>> }> {
  const given = Buffer.from(authorization ?? '')
  const wanted = Buffer.from(token)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    return { status: 403, body: { code: 'Forbidden', message: 'this is not for you' } }
  }
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials()
    return {
      status: 200,
      body: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        ...(sessionToken === undefined ? {} : { Token: sessionToken }),
        // The server's SDK cannot do without one: it asks again for those that never end.
        Expiration: isoTime(expiration?.getTime() ?? clock.nowMs() + askAgainMs),
      },
    }
  } catch {
    // The words of a chain may hold paths and profiles: ours says them when it reads the store itself.
    return { status: 500, body: { code: 'NoCredentials', message: 'there are no credentials now' } }
  }
}
