/** Starts a measuring process and waits for its answer. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import type { AnswerOf, Task } from './task.ts'

export interface MeasureOptions {
  /** Most megabytes of the JavaScript heap; more ends the process. Default: Node's own. */
  readonly heapMb?: number
  readonly timeoutMs: number
}

const root = join(import.meta.dirname, '..', '..')
/** Of what a child says on stderr. */
const keptOutput = 65_536

/** Throws `Error` with the reason of a process that failed, ran out of memory, or did not end in time. */
export function measure<T extends Task>(task: T, options: MeasureOptions): Promise<AnswerOf[T['kind']]> {
  const heap = options.heapMb === undefined ? [] : [`--max-old-space-size=${options.heapMb}`]
  // `--profile`: where each process leaves its profile of the processor.
  const folder = process.env['SNAPPROOF_BENCH_PROFILE'] ?? ''
  const profile = folder === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`]
  const args = [...heap, ...profile, '--import', 'tsx', join(import.meta.dirname, 'child.ts'), JSON.stringify(task)]
  // The child ends when its stdin does, which is when we do, whatever ends us.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(0, keptOutput)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`measuring ${task.kind} ended with ${signal ?? code}: ${reasonIn(errors)}`))
    })
  })
}

/** Behind the notes of the garbage collector and before the stack. */
function reasonIn(errors: string): string {
  return /^.*(?:FATAL ERROR|Error:).*$/m.exec(errors)?.[0] ?? errors.trim().slice(-500)
}
