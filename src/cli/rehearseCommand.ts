/** `verify --rehearse VERSION`: what the metadata let survive an upgrade is restored by an engine of that version. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExitCode, exitCodes } from '../errors.ts'
import type { AuditConfig } from '../model/config.ts'
import { newestFirst } from '../model/snapshotOrder.ts'
import { audit } from '../run/audit.ts'
import type { RunDependencies } from '../run/dependencies.ts'
import {
  engineToRehearse,
  newestSurvivors,
  parseTarget,
  type Rehearsal,
  rehearsalConfig,
  rehearseSurvey,
  restoredOf,
} from '../run/rehearse.ts'
import { mustSee } from '../run/selfCheck/selfCheck.ts'
import { survey } from '../run/survey.ts'
import { type AuditFlags, overridesOf } from './commands.ts'
import { buildRun, type CliContext, newRunId, readConfig } from './context.ts'
import { describeRehearsal, describeRestored, rehearsalJson } from './rehearseText.ts'

/**
 * Exit 1: an index dies, by its metadata or by a restore; 2: something was to be restored and was not.
 *
 * @throws SnapproofError `usage`: a version or a snapshot that is not known, or no engine of that version; and what a run throws
 */
export async function rehearseCommand(
  context: CliContext,
  flags: AuditFlags & { readonly snapshots: readonly string[]; readonly rehearse: string },
): Promise<ExitCode> {
  const target = parseTarget(flags.rehearse)
  const config = await readConfig(context, flags, undefined, overridesOf(flags))
  const engine = engineToRehearse(target, config.engines)
  const memory = await mkdtemp(join(tmpdir(), 'snapproof-rehearsal-'))
  const out = flags.out ?? join(config.output.folder, `rehearsal-${newRunId(context.clock)}`)
  try {
    const alone = rehearsalConfig(config, engine, join(memory, 'ledger.sqlite'))
    const { dependencies, close } = await buildRun(context, alone, out)
    try {
      mustSee(await dependencies.selfCheck())
      const { rehearsal, chosen } = await look(dependencies, alone, target, flags.snapshots)
      const only = chosen.map(({ uuid }) => uuid)
      const limits = { ...alone.limits, snapshots: null }
      // Nothing survives: nothing is restored, and no report is written.
      const run = only.length === 0 ? null : await audit(dependencies, { command: 'verify', only, limits })
      const indices = run === null ? [] : restoredOf(chosen, run, engine)
      const trouble = run?.exit.code === exitCodes.couldNotWork ? run.exit.reason : null
      const restored = { engine, indices, trouble, folder: run === null ? null : dependencies.output.folder }
      context.log.clear()
      context.print(
        flags.json
          ? JSON.stringify(rehearsalJson(rehearsal, restored), null, 2)
          : `${describeRehearsal(rehearsal)}\n\n${describeRestored(restored)}`,
      )
      const dies = rehearsal.snapshots.some(({ outcome }) => outcome === 'dies')
      if (dies || indices.some(({ verdict }) => verdict === 'fail')) return exitCodes.finding
      const isOpen = indices.some(({ verdict }) => verdict === 'inconclusive') || trouble !== null
      return isOpen ? exitCodes.couldNotWork : exitCodes.good
    } finally {
      await close()
    }
  } finally {
    await rm(memory, { recursive: true, force: true })
  }
}

/** The named snapshots, else for each index the newest in which the metadata let it survive. */
async function look(
  dependencies: RunDependencies,
  { limits }: AuditConfig,
  target: Rehearsal['target'],
  names: readonly string[],
) {
  const ledger = await dependencies.openLedger({ readOnly: true })
  try {
    const seen = await survey(dependencies, ledger, { only: names.length === 0 ? null : names, limits, readOnly: true })
    const rehearsal = await rehearseSurvey(seen, target, dependencies.signal)
    const named = rehearsal.snapshots.filter(({ name, uuid }) => names.includes(name) || names.includes(uuid))
    if (names.length > 0) {
      const chosen = named.filter(({ indices }) => indices.some(({ outcome }) => outcome === 'survives'))
      return { rehearsal: { ...rehearsal, snapshots: named }, chosen }
    }
    const order = [...seen.catalogue.repositoryData.snapshots].sort(newestFirst).map(({ uuid }) => uuid)
    const inOrder = [...rehearsal.snapshots].sort((a, b) => order.indexOf(a.uuid) - order.indexOf(b.uuid))
    return { rehearsal, chosen: newestSurvivors(inOrder) }
  } finally {
    await ledger.close()
  }
}
