/** An engine whose names on the server all begin with a prefix; callers see their own. */
import type { Engine } from './port.ts'

/** Method by method, so that none that names something is forgotten. */
export function prefixedEngine(engine: Engine, prefix: string): Engine {
  const on = (name: string) => `${prefix}${name}`
  return {
    facts: engine.facts,
    repositoryFolder: engine.repositoryFolder,
    registerRepository: (repository, folder, signal) => engine.registerRepository(on(repository), folder, signal),
    // Nothing of ours gives credentials to a cluster of somebody else.
    registerStore: null,
    removeRepository: (repository, signal) => engine.removeRepository(on(repository), signal),
    startRestore: request =>
      engine.startRestore({ ...request, repository: on(request.repository), target: on(request.target) }),
    recovery: (target, signal) => engine.recovery(on(target), signal),
    recoveredFiles: (target, signal) => engine.recoveredFiles(on(target), signal),
    shardStats: (target, signal) => engine.shardStats(on(target), signal),
    shardStates: (target, signal) => engine.shardStates(on(target), signal),
    count: (target, signal) => engine.count(on(target), signal),
    fields: (target, signal) => engine.fields(on(target), signal),
    search: (target, body, signal) => engine.search(on(target), body, signal),
    features: async () => new Set(),
    disk: signal => engine.disk(signal),
    runCommand: command => engine.runCommand({ ...command, target: on(command.target) }),
    closeIndex: (target, signal) => engine.closeIndex(on(target), signal),
    snapshotUuid: (repository, snapshot, signal) => engine.snapshotUuid(on(repository), snapshot, signal),
    deleteIndex: (target, signal) => engine.deleteIndex(on(target), signal),
    death: () => engine.death(),
    died: engine.died,
    ...(engine.url === undefined ? {} : { url: engine.url }),
    logTail: lines => engine.logTail(lines),
    stop: () => engine.stop(),
  }
}
