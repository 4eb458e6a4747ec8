/** The seals of runs in the configuration: where the chain lies, what signs it, how long it is locked. */
import type { SealConfig } from '../model/config.ts'
import { gotAllowed } from './problems.ts'
import { duration, filePath, oneOf, section, storeAccess, type text } from './shapes.ts'

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
  { url, keyFile, retainFor, retainMode, ...access }: ParsedSeal,
  storeOf: (store: { url: string } & typeof access) => SealConfig['store'],
  pathOf: (path: string) => string,
): SealConfig | null {
  if (url === null || keyFile === null) return null
  return {
    store: storeOf({ url, ...access }),
    keyFile: pathOf(keyFile),
    retention: retainFor === null ? null : { mode: retainMode, seconds: retainFor },
  }
}

/** What is wrong between the keys of the section, by key. `value` is raw. */
export function sealProblems(
  value: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly message: string }[] {
  const isSet = (key: string) => (value[key] ?? null) !== null
  if (!isSet('url')) {
    const lonely = ['keyFile', 'retainFor'].find(isSet)
    return lonely === undefined
      ? []
      : [{ key: 'url', message: gotAllowed(undefined, `s3://bucket/base/path, as seal.${lonely} is given`) }]
  }
  const problems = []
  if (!isSet('keyFile')) {
    const message = gotAllowed(
      undefined,
      'the file of the private key that signs (`snapproof seal keygen FILE` makes one)',
    )
    problems.push({ key: 'keyFile', message })
  }
  if (isSet('retainFor') && !String(value.url).startsWith('s3:')) {
    problems.push({ key: 'retainFor', message: gotAllowed(value.retainFor, 'nothing: a folder locks nothing') })
  }
  return problems
}
