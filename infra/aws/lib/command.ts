/**
 * What runs in the container: the configuration is written to a file, then `snapproof` runs. Needs of the image: `/bin/sh`,
 * `snapproof` on the path, `/tmp` writable, no entrypoint but an init.
 */

export const workFolder = '/tmp/snapproof'
/** Variable with the configuration as JSON, which is YAML too. Not named SNAPPROOF_…: those are keys of the configuration. */
export const configVariable = 'AUDIT_CONFIG'

/**
 * Exit codes 1 (findings), 3 (another run is at work) and 4 (debt) are results and not failures: they have alarms of their
 * own, and a run that found something must not be repeated as if it had failed. Everything else fails the execution.
 *
 * A stop of the job (SIGTERM) reaches the program, which then has time to journal what it did.
 */
export function nightScript(command: 'audit' = 'audit'): string {
  return [
    'umask 077',
    `mkdir -p ${workFolder}`,
    `printf '%s' "$${configVariable}" > ${workFolder}/config.json`,
    `snapproof ${command} --config ${workFolder}/config.json &`,
    'child=$!',
    `trap 'kill -TERM "$child" 2>/dev/null' TERM INT`,
    'code=0',
    'wait "$child" || code=$?',
    // A trap ends `wait` early; the program still lives.
    'while kill -0 "$child" 2>/dev/null; do code=0; wait "$child" || code=$?; done',
    'echo "snapproof ended with exit code $code" >&2',
    'case "$code" in 0|1|3|4) exit 0 ;; *) exit "$code" ;; esac',
  ].join('\n')
}
