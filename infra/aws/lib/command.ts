/**
 * What runs in the container: the configuration is written to a file, then `snapproof` runs. Needs of the image: `/bin/sh`,
 * `snapproof` on the path, `/tmp` writable, no entrypoint but an init.
 */

export const workFolder = '/tmp/snapproof'
/** Not named SNAPPROOF_…: those are keys of the configuration. */
export const variables = {
  /** The configuration as JSON, which is YAML too. */
  config: 'AUDIT_CONFIG',
  /** One of `commands`; unset: `audit`. */
  command: 'AUDIT_COMMAND',
  /** Of `plan`: how many machines there may be. */
  children: 'AUDIT_CHILDREN',
  /** Of `plan`: how long it may hold the lease for its array. */
  deadline: 'AUDIT_DEADLINE',
  /** Of `plan`, `work` and `collect`: URL of the plan. */
  plan: 'AUDIT_PLAN',
} as const
/** Set by AWS Batch in the children of an array, and only there. */
export const arrayIndexVariable = 'AWS_BATCH_JOB_ARRAY_INDEX'

/** Set by AWS Batch, from 1. */
export const attemptVariable = 'AWS_BATCH_JOB_ATTEMPT'
/** Longer than the program's default lease. */
export const leaseExpirySeconds = 150

export type Command = 'audit' | 'doctor' | 'plan' | 'work' | 'collect'

const argumentsOf: Readonly<Record<Command, string>> = {
  audit: 'audit',
  doctor: 'doctor',
  plan: `plan --children "$${variables.children}" --deadline "$${variables.deadline}" --out "$${variables.plan}"`,
  // One child is a plain job, which has no index.
  work: `work --plan "$${variables.plan}" --child "\${${arrayIndexVariable}:-0}"`,
  collect: `collect --plan "$${variables.plan}"`,
}

/**
 * Exit codes 1 (findings), 3 (another run is at work) and 4 (debt) are results and not failures: they have alarms of their
 * own, and a run that found something must not be repeated as if it had failed. Everything else fails the execution, and so does a
 * `collect` that found another run at work: its array was not collected, and nobody does it later.
 *
 * A stop of the job (SIGTERM) reaches the program, which then has time to journal what it did.
 */
export function nightScript(): string {
  return [
    'umask 077',
    `mkdir -p ${workFolder}`,
    `printf '%s' "$${variables.config}" > ${workFolder}/config.json`,
    `case "\${${variables.command}:-audit}" in`,
    ...Object.entries(argumentsOf).map(([command, words]) => `${command}) set -- ${words} ;;`),
    `*) echo "${variables.command}: allowed are ${Object.keys(argumentsOf).join(', ')}" >&2; exit 64 ;;`,
    'esac',
    `trap 'stop=1; kill -TERM "$child" 2>/dev/null' TERM INT`,
    'run() {',
    `snapproof "$@" --config ${workFolder}/config.json &`,
    'child=$! code=0',
    'wait "$child" || code=$?',
    // A trap ends `wait` early; the program still lives.
    'while kill -0 "$child" 2>/dev/null; do code=0; wait "$child" || code=$?; done',
    'echo "snapproof ended with exit code $code" >&2',
    '}',
    'run "$@"',
    // The lost host that this attempt stands in for still holds the lease, until it expires.
    `if [ $code = 3 ] && [ "\${${attemptVariable}:-1}" -gt 1 ]; then`,
    `sleep ${leaseExpirySeconds} & child=$!; wait "$child"`,
    '[ "$stop" ] || run "$@"',
    'fi',
    `case "\${${variables.command}:-audit} $code" in *' 0'|*' 1'|*' 4') exit 0 ;; 'collect 3') exit 3 ;; *' 3') exit 0 ;; *) exit "$code" ;; esac`,
  ].join('\n')
}
