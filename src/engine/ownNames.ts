/**
 * Names on a cluster that somebody else runs: `snapproof-RUN.MACHINE.PID.REST`, so that everything there is known to be
 * somebody's: this run's, a dead run's, a living one's, or not ours at all.
 */
import { createHash } from 'node:crypto'
import { readlink } from 'node:fs/promises'
import type { RunOwner } from './options.ts'

const pattern = /^snapproof-([a-z0-9]{1,64})\.([0-9a-f]{8})\.(\d{1,10})\./
/** What a distribution makes for itself in any empty cluster. Left alone. */
const ofTheServer =
  /^\.(security(-tokens|-profile)?(-\d+)?|geoip_databases|opendistro_security|plugins-ml-[a-z-]+|opensearch-[a-z-]+|internal\..*|ds-(\.?ilm-history|\.?slm-history|\.logs-deprecation|\.logs-elasticsearch).*)$/
/** What another machine left is dead after a day: no restore of ours takes so long. */
const forgottenAfterMs = 86_400_000

export async function ownPrefix({ runId, host, pid }: RunOwner): Promise<string> {
  const run = runId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 64)
  return `snapproof-${run || '0'}.${await machine(host)}.${pid}.`
}

/** Pids mean something only on their machine, and within one container of it. */
async function machine(host: string): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return createHash('sha256').update(`${host} ${namespace}`).digest('hex').slice(0, 8)
}

export function isForeign(name: string): boolean {
  return !pattern.test(name) && !ofTheServer.test(name)
}

/** Tells what a run left that has ended, by its process, or by age where its machine is another. */
export async function isLeftover(
  { host, pid }: RunOwner,
  isAlive: (pid: number) => boolean,
  nowMs: number,
): Promise<(name: string, createdMs: number | null) => boolean> {
  const here = await machine(host)
  return (name, createdMs) => {
    const [, , where, text] = pattern.exec(name) ?? []
    if (where === undefined || text === undefined) return false
    if (where === here) return Number(text) !== pid && !isAlive(Number(text))
    return createdMs !== null && nowMs - createdMs > forgottenAfterMs
  }
}
