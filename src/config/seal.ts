/** The seals of runs in the configuration: where the chain lies, what signs it, how long it is locked. */
import type { SealConfig, SealKeyConfig } from '../model/config.ts'
import { gotAllowed } from './problems.ts'
import { duration, endpointUrl, filePath, oneOf, section, storeAccess, text } from './shapes.ts'

/** Region and account come from it, so that one value says which key it is. */
export const kmsKeyArn = text(
  'the ARN of a KMS key or alias, such as arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-…',
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/[A-Za-z0-9/_-]{1,256}$/,
)

/** `storeUrl`: the shape of a URL of a store. */
export function sealSection(storeUrl: ReturnType<typeof text>) {
  return section({
    url: storeUrl.nullable().default(null).meta({
      description: 'Chain of the signed records of all runs, one object each; none: runs are not sealed.',
    }),
    ...storeAccess('the seals'),
    keyFile: filePath.nullable().default(null).meta({
      description:
        'Private Ed25519 key (PEM) that signs, readable by this user alone; `snapproof seal keygen` makes one.',
    }),
    kmsKey: kmsKeyArn.nullable().default(null).meta({
      description:
        'In place of keyFile: ARN of a KMS key (ECC_NIST_P256, SIGN_VERIFY) that signs; `snapproof seal public-key` fetches its public half.',
    }),
    kmsEndpointUrl: endpointUrl.meta({ description: 'Another endpoint than that of KMS.' }),
    retainFor: duration('1d').nullable().default(null).meta({
      description:
        'Lock each new seal for so long (S3 Object Lock), such as 2555d; none: what the bucket does by itself.',
    }),
    retainMode: oneOf(['governance', 'compliance']).default('governance').meta({
      description: 'Of retainFor. compliance: nobody can shorten it, not even the root user.',
    }),
  }).prefault({})
}

type ParsedSeal = ReturnType<typeof sealSection>['_zod']['output']

/** `pathOf` makes a path absolute. */
export function sealConfig(
  { url, keyFile, kmsKey, kmsEndpointUrl, retainFor, retainMode, ...access }: ParsedSeal,
  storeOf: (store: { url: string } & typeof access) => SealConfig['store'],
  pathOf: (path: string) => string,
): SealConfig | null {
  const key: SealKeyConfig | null =
    kmsKey !== null
      ? { kind: 'kms', arn: kmsKey, endpointUrl: kmsEndpointUrl }
      : keyFile !== null
        ? { kind: 'file', file: pathOf(keyFile) }
        : null
  if (url === null || key === null) return null
  return {
    store: storeOf({ url, ...access }),
    key,
    retention: retainFor === null ? null : { mode: retainMode, seconds: retainFor },
  }
}

/** What is wrong between the keys of the section, by key. `value` is raw. */
export function sealProblems(
  value: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly message: string }[] {
  const isSet = (key: string) => (value[key] ?? null) !== null
  if (!isSet('url')) {
    const lonely = ['keyFile', 'kmsKey', 'retainFor'].find(isSet)
    return lonely === undefined
      ? []
      : [{ key: 'url', message: gotAllowed(undefined, `s3://bucket/base/path, as seal.${lonely} is given`) }]
  }
  const problems = []
  if (!isSet('keyFile') && !isSet('kmsKey')) {
    const message = gotAllowed(
      undefined,
      'the file of the private key that signs (`snapproof seal keygen FILE` makes one), or seal.kmsKey',
    )
    problems.push({ key: 'keyFile', message })
  }
  if (isSet('keyFile') && isSet('kmsKey'))
    problems.push({ key: 'kmsKey', message: gotAllowed(value.kmsKey, 'one of keyFile and kmsKey: one key signs') })
  if (isSet('kmsEndpointUrl') && !isSet('kmsKey')) {
    problems.push({ key: 'kmsEndpointUrl', message: gotAllowed(value.kmsEndpointUrl, 'nothing without kmsKey') })
  }
  if (isSet('retainFor') && !String(value.url).startsWith('s3:')) {
    problems.push({ key: 'retainFor', message: gotAllowed(value.retainFor, 'nothing: a folder locks nothing') })
  }
  return problems
}
