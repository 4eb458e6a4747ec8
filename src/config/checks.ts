/**
 * What no single key can say: rules between keys, and secrets where none belong. They read the raw value, which may be
 * wrong in other ways, so that they are reported together with the errors of the schema.
 */
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { engineProblems } from './engines.ts'
import { isRecord } from './layers.ts'
import { notifyProblems } from './notify.ts'
import { gotAllowed } from './problems.ts'
import { defaultLedgerFile } from './schema.ts'
import { sealProblems } from './seal.ts'
import { holdsSecret, looksLikeCredential } from './secrets.ts'

interface RawProblem {
  readonly path: readonly PropertyKey[]
  readonly what: 'key' | 'value'
  readonly message: string
  /** Cuts off what the schema says of the same path. */
  readonly instead?: boolean
}

/** `folder`: what relative paths of the file start at. */
export function crossChecks(value: Readonly<Record<string, unknown>>, folder: string): RawProblem[] {
  return [
    ...secretChecks(value, []),
    ...ledgerChecks(value),
    ...storeChecks(value, folder),
    ...engineChecks(value),
    ...sealChecks(value, folder),
    ...notifyChecks(value),
    ...sourceChecks(value),
  ]
}

function secretChecks(value: unknown, path: readonly PropertyKey[]): RawProblem[] {
  if (Array.isArray(value)) return value.flatMap((entry, i) => secretChecks(entry, [...path, i]))
  if (typeof value === 'string' && holdsSecret(value)) {
    return [{ path, what: 'value', message: `holds a credential; ${credentialAdvice}`, instead: true }]
  }
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, child]) =>
    looksLikeCredential(key)
      ? [{ path: [...path, key], what: 'key', message: credentialAdvice, instead: true } as const]
      : secretChecks(child, [...path, key]),
  )
}

const credentialAdvice =
  'no credentials here: the default credential chain of the AWS SDK finds them (role of the task or instance, AWS_PROFILE, AWS_… variables)'

function ledgerChecks(value: Readonly<Record<string, unknown>>): RawProblem[] {
  const ledger = value.ledger ?? {}
  if (!isRecord(ledger)) return []
  const url = ledger.url ?? null
  if (url === null && ledger.sync === undefined) {
    const message = gotAllowed(undefined, 's3://bucket/base/path outside the repository, or ledger.sync: none')
    return [{ path: ['ledger', 'url'], what: 'value', message }]
  }
  if (url !== null && ledger.sync === 'none') {
    const message = 'none contradicts ledger.url; allowed: one of the two'
    return [{ path: ['ledger', 'sync'], what: 'value', message }]
  }
  return []
}

/** Nothing is ever written into the repository: that is the promise that makes it safe to point at a production one. */
function storeChecks(value: Readonly<Record<string, unknown>>, folder: string): RawProblem[] {
  const repository = storePlace(text(value, 'repository', 'url'))
  if (repository === null) return []
  const key = text(value, 'seal', 'keyFile')
  const keyFile = key === null ? null : filePlace(key, folder)
  const places = [
    { path: ['ledger', 'url'], place: storePlace(text(value, 'ledger', 'url')) },
    { path: ['output', 'url'], place: storePlace(text(value, 'output', 'url')) },
    { path: ['ledger', 'file'], place: filePlace(text(value, 'ledger', 'file') ?? defaultLedgerFile('x'), folder) },
    { path: ['output', 'folder'], place: filePlace(text(value, 'output', 'folder') ?? '.snapproof/runs', folder) },
    { path: ['seal', 'url'], place: storePlace(text(value, 'seal', 'url')) },
    { path: ['seal', 'keyFile'], place: keyFile },
    { path: ['work', 'folder'], place: filePlace(text(value, 'work', 'folder') ?? '.snapproof/work', folder) },
  ]
  return places.flatMap(({ path, place }) => {
    if (place === null || !liesWithin(repository, place)) return []
    const allowed = 'a place outside the repository, which is never written to'
    return [{ path, what: 'value', message: gotAllowed(place.shown, allowed) } as const]
  })
}

function sealChecks(value: Readonly<Record<string, unknown>>, folder: string): RawProblem[] {
  if (!isRecord(value.seal)) return []
  const problems = sealProblems(value.seal)
  const chain = storePlace(text(value, 'seal', 'url'))
  const key = text(value, 'seal', 'keyFile')
  const keyFile = key === null ? null : filePlace(key, folder)
  if (chain !== null && keyFile !== null && liesWithin(chain, keyFile))
    problems.push({ key: 'keyFile', message: gotAllowed(key, 'a place outside the chain, which is handed out') })
  return problems.map(({ key: name, message }) => ({ path: ['seal', name], what: 'value', message }))
}

function notifyChecks({ notify }: Readonly<Record<string, unknown>>): RawProblem[] {
  return isRecord(notify) ? notifyProblems(notify).map(problem => ({ ...problem, what: 'value' })) : []
}

function sourceChecks(value: Readonly<Record<string, unknown>>): RawProblem[] {
  const url = text(value, 'repository', 'url')
  if (text(value, 'work', 'source') !== 's3' || url === null || url.startsWith('s3://')) return []
  const message = gotAllowed('s3', 'mirror or auto: a server reads only s3:// by itself')
  return [{ path: ['work', 'source'], what: 'value', message }]
}

function engineChecks(value: Readonly<Record<string, unknown>>): RawProblem[] {
  if (!Array.isArray(value.engines)) return []
  const names = new Map<unknown, number>()
  return value.engines.flatMap((engine, i) => {
    if (!isRecord(engine)) return []
    const problems: RawProblem[] = []
    const first = names.get(engine.name)
    if (first === undefined) names.set(engine.name, i)
    else if (engine.name !== undefined) {
      const message = `got ${JSON.stringify(engine.name)}, the name of engines[${first}]; allowed: a name of its own`
      problems.push({ path: ['engines', i, 'name'], what: 'value', message })
    }
    for (const { key, message } of engineProblems(engine)) {
      problems.push({ path: ['engines', i, key], what: 'value', message })
    }
    return problems
  })
}

interface Place {
  /** `s3://bucket` or `file:`. */
  readonly root: string
  readonly parts: readonly string[]
  readonly shown: string
}

/** Two endpoints may be one store, so the bucket's name alone counts. */
function storePlace(url: string | null): Place | null {
  if (url === null) return null
  const s3 = /^s3:\/\/([^/]+)(.*)$/.exec(url)
  if (s3 !== null) return { root: `s3://${s3[1]}`, parts: split(s3[2] ?? ''), shown: url }
  if (!url.startsWith('file:///')) return null
  try {
    return { ...filePlace(fileURLToPath(url), '/'), shown: url }
  } catch {
    // Not a file URL that names a path, such as one with an encoded slash: the schema and the driver speak of it.
    return null
  }
}

function filePlace(path: string, folder: string): Place {
  return { root: 'file:', parts: split(relative('/', resolve(folder, path))), shown: path }
}

function split(path: string): string[] {
  return path.split('/').filter(part => part !== '')
}

function liesWithin(outer: Place, inner: Place): boolean {
  return outer.root === inner.root && outer.parts.every((part, i) => inner.parts[i] === part)
}

function text(value: Readonly<Record<string, unknown>>, section: string, key: string): string | null {
  const mapping = value[section]
  const leaf = isRecord(mapping) ? mapping[key] : null
  return typeof leaf === 'string' ? leaf : null
}
