/** `snapproof seal …`: checks a chain of seals, and makes the keys for one. */
import { rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Argv } from 'yargs'
import { kmsKeyArn } from '../config/seal.ts'
import { durationAllowed, parseDuration } from '../config/units.ts'
import { diskError, type ExitCode, exitCodes, SnapproofError } from '../errors.ts'
import { askLedger } from '../ledger/questions.ts'
import type { AuditConfig, SealKeyConfig, StoreConfig } from '../model/config.ts'
import { type KnownHead, sealWords } from '../seal/chain.ts'
import { rememberedHead } from '../seal/head.ts'
import { generateKeys, publicPem, readPublicKeys } from '../seal/keys.ts'
import { type KnownRun, type Verification, verifyChain } from '../seal/verify.ts'
import { isoTime } from '../time.ts'
import { type CliContext, type CommonFlags, openConfigured, openSigner, readConfig } from './context.ts'
import { withLedger } from './ledgerPlace.ts'
import { safeText } from './log.ts'
import { countText } from './words.ts'

export function sealCommands<Flags extends CommonFlags>(
  parser: Argv<Flags>,
  context: CliContext,
  set: (command: Promise<ExitCode>) => Promise<void>,
) {
  return parser
    .command(
      'verify [chain]',
      'Check a chain of seals with the public key alone; with --config also against the ledger',
      y =>
        y
          .positional('chain', {
            type: 'string',
            describe: 'A folder, s3://bucket/base/path or file:///path; default seal.url of the configuration',
          })
          .option('public-key', {
            type: 'string',
            demandOption: true,
            describe: 'PEM file of the public key, or of all that ever signed in this chain',
          })
          .option('head', {
            type: 'string',
            array: true,
            describe: 'A seal that you know, as HASH or NUMBER:HASH, from a report or a log: it must be there',
          })
          .option('runs', {
            type: 'string',
            describe: 'Folder or URL of the runs: run.json and report.html must be those that were sealed',
          })
          .option('runs-kept', {
            type: 'string',
            describe:
              'Folders of runs that began longer ago, such as 400d, may be gone; default output.keepEvidence, for the output.folder of the configuration',
          }),
      argv => set(verifyCommand(context, argv)),
    )
    .command(
      'keygen <file>',
      'Make a key pair: the private key in FILE, the public one in FILE.pub',
      y => y.positional('file', { type: 'string', demandOption: true, describe: 'A file that is not there yet' }),
      argv => set(keygenCommand(context, argv)),
    )
    .command(
      'public-key [file]',
      'Fetch the public key that `verify` needs: of seal.kmsKey (kms:GetPublicKey), or of seal.keyFile',
      y =>
        y
          .positional('file', { type: 'string', describe: 'A file that is not there yet; default: it is printed' })
          .option('kms-key', {
            type: 'string',
            describe: 'ARN of a KMS key in place of the configuration; --endpoint-url is then that of KMS',
          }),
      argv => set(publicKeyCommand(context, argv)),
    )
    .demandCommand(1, 'Which one? `snapproof seal --help` lists them.')
}

interface VerifyFlags extends CommonFlags {
  readonly chain?: string | undefined
  readonly publicKey: string
  readonly head?: readonly string[] | undefined
  readonly runs?: string | undefined
  readonly runsKept?: string | undefined
}

async function verifyCommand(context: CliContext, flags: VerifyFlags): Promise<ExitCode> {
  const keys = await readPublicKeys(resolve(flags.publicKey))
  const given = (flags.head ?? []).map(parseHead)
  const file = flags.config ?? context.environment.SNAPPROOF_CONFIG
  // An environment that names a configuration is not asked when a chain is named.
  const config = flags.config === undefined && flags.chain !== undefined ? null : await configOf(context, flags, file)
  const chainStore = flags.chain === undefined ? (config?.seal?.store ?? null) : storeOf(flags, flags.chain)
  if (chainStore === null)
    throw new SnapproofError('usage', 'which chain? No folder or URL is given, and the configuration has no seal.url')
  const runsStore = flags.runs === undefined ? (config?.output.store ?? null) : storeOf(flags, flags.runs)
  const keptSeconds = keptSecondsOf(flags.runsKept, config, runsStore)
  const keptSince = keptSeconds === null ? null : isoTime(context.clock.nowMs() - keptSeconds * 1000)
  const chain = openConfigured(chainStore, context.clock, 16)
  const runs = runsStore === null ? null : openConfigured(runsStore, context.clock, 4)
  try {
    const ledger = config === null ? null : await askAboutSeals(context, flags, chain.url)
    const heads = [...given, ...(ledger?.heads ?? [])]
    const known = ledger?.runs ?? []
    const found = await verifyChain({ chain, keys, heads, runs, keptSince, known, signal: context.signal })
    context.log.clear()
    context.print(flags.json ? JSON.stringify(found, null, 2) : describe(found))
    return found.problems.length === 0 ? exitCodes.good : exitCodes.finding
  } finally {
    await chain.close()
    await runs?.close()
  }
}

/**
 * How long folders of runs are kept; null: for ever. What `output.keepEvidence` says is done in `output.folder` alone: of a bucket only its
 * owner knows.
 *
 * @throws SnapproofError `usage`
 */
function keptSecondsOf(flag: string | undefined, config: AuditConfig | null, runs: StoreConfig | null): number | null {
  if (flag !== undefined) {
    const seconds = parseDuration(flag)
    if (seconds !== null && seconds > 0) return seconds
    throw new SnapproofError(
      'usage',
      `--runs-kept is ${JSON.stringify(flag.slice(0, 100))}, expected ${durationAllowed}`,
    )
  }
  const days = config?.output.keepEvidenceDays ?? null
  const isOurs = runs !== null && config !== null && runs.url === pathToFileURL(config.output.folder).href
  return isOurs && days !== null ? days * 86_400 : null
}

async function configOf(context: CliContext, flags: CommonFlags, file: string | undefined): Promise<AuditConfig> {
  if (file === undefined)
    throw new SnapproofError('usage', 'there is neither a chain nor a configuration', {
      advice: 'Give a folder or URL of seals, or --config FILE whose seal.url names one.',
    })
  return await readConfig(context, flags, undefined)
}

/** Runs of the ledger that are looked for in the chain: the last three years of nights. */
const maxRuns = 1100

async function askAboutSeals(
  context: CliContext,
  flags: CommonFlags,
  url: string,
): Promise<{ readonly heads: readonly KnownHead[]; readonly runs: readonly KnownRun[] }> {
  return await withLedger(context, flags, ({ file }) => {
    const ledger = askLedger(
      () => file,
      () => context.clock.nowMs(),
    )
    const head = rememberedHead(subject => ledger.memory(subject), url)
    const runs = ledger.runs(maxRuns).map(({ runId, endedMs }) => ({ id: runId, endedAt: isoTime(endedMs) }))
    return { heads: head === null ? [] : [{ ...head, from: 'the ledger' }], runs }
  })
}

/** A path is a folder. */
function storeOf({ region, endpointUrl }: CommonFlags, place: string): StoreConfig {
  const url = /^(?:s3|file):/i.test(place) ? place : pathToFileURL(resolve(place)).href
  return { url: url.replace(/\/+$/, ''), region: region ?? null, endpointUrl: endpointUrl ?? null, pathStyle: null }
}

function parseHead(text: string): KnownHead {
  const [, number, hash = ''] = /^(?:(\d{1,10}):)?([0-9a-fA-F]{64})$/.exec(text.trim()) ?? []
  if (hash === '')
    throw new SnapproofError('usage', `--head is ${JSON.stringify(text.slice(0, 100))}, expected HASH or NUMBER:HASH`, {
      advice: 'A report shows it in the section "Seal": number and 64 hexadecimal digits.',
    })
  return { number: number === undefined ? null : Number(number), hash: hash.toLowerCase(), from: '--head' }
}

/** Of problems in words. */
const maxLines = 200

function describe({ chain, seals, head, problems, notes, ...rest }: Verification): string {
  const lines = [`${chain}: ${countText(seals)} ${seals === 1 ? 'seal' : 'seals'}`]
  if (head !== null) lines.push(`Last: ${sealWords(head.number, head.number)}, sha256 ${head.hash ?? 'not read'}`)
  for (const { kind, message } of problems.slice(0, maxLines)) lines.push(`BAD  ${kind}: ${message}`)
  if (problems.length > maxLines)
    lines.push(`BAD  and ${countText(problems.length - maxLines)} more: --json has them all`)
  for (const note of notes) lines.push(`note ${note}`)
  if (problems.length === 0) lines.push('ok   every seal is signed, at its place, and follows the one before')
  if (!rest.headCompared)
    lines.push('?    whether the end was cut is not known: compare with --head, from a report, or with --config')
  lines.push(
    rest.runsCompared
      ? `The files of the runs were compared${rest.runsPurged === 0 ? '' : `, but those of ${countText(rest.runsPurged)} that are gone as they may be by their age`}.`
      : 'The files of the runs were not compared: name their folder with --runs.',
  )
  return lines.map(safeText).join('\n')
}

async function keygenCommand(
  { log, print }: CliContext,
  flags: CommonFlags & { readonly file: string },
): Promise<ExitCode> {
  const file = resolve(flags.file)
  const publicFile = `${file}.pub`
  const { privatePem, publicPem, key } = generateKeys()
  await writeNew(file, privatePem, 0o600)
  try {
    await writeNew(publicFile, publicPem, 0o644)
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
  log.clear()
  const text = `Private key: ${file} (only this user may read it; set seal.keyFile to it)
Public key:  ${publicFile} (hand it out: it checks, and signs nothing)
Fingerprint: ${key}`
  print(flags.json ? JSON.stringify({ schemaVersion: 1, privateKey: file, publicKey: publicFile, key }, null, 2) : text)
  return exitCodes.good
}

interface PublicKeyFlags extends CommonFlags {
  readonly file?: string | undefined
  readonly kmsKey?: string | undefined
}

async function publicKeyCommand(context: CliContext, flags: PublicKeyFlags): Promise<ExitCode> {
  const { publicKey, key, algorithm } = await openSigner(await keyOf(context, flags), context.signal)
  const pem = publicPem(publicKey)
  if (flags.file !== undefined) await writeNew(resolve(flags.file), pem, 0o644)
  context.log.clear()
  if (flags.json) context.print(JSON.stringify({ schemaVersion: 1, key, algorithm, publicKey: pem }, null, 2))
  else if (flags.file === undefined) context.print(pem.trimEnd())
  else
    context.print(
      `Public key:  ${resolve(flags.file)} (hand it out: it checks, and signs nothing)\nFingerprint: ${key}`,
    )
  return exitCodes.good
}

async function keyOf(context: CliContext, flags: PublicKeyFlags): Promise<SealKeyConfig> {
  if (flags.kmsKey !== undefined) {
    const arn = kmsKeyArn.safeParse(flags.kmsKey)
    if (arn.success) return { kind: 'kms', arn: arn.data, endpointUrl: flags.endpointUrl ?? null }
    const allowed = arn.error.issues[0]?.message ?? ''
    throw new SnapproofError('usage', `--kms-key is ${JSON.stringify(flags.kmsKey.slice(0, 100))}, expected ${allowed}`)
  }
  const { seal } = await readConfig(context, flags, undefined)
  if (seal === null)
    throw new SnapproofError('usage', 'which key? The configuration has no section seal, and there is no --kms-key')
  return seal.key
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx' })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST')
      throw new SnapproofError('usage', `${file} is there already, and a key is never overwritten`)
    throw diskError(error, 'write', file)
  }
}
