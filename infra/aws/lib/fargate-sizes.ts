/**
 * The sizes that Fargate has: a job definition with another pair is accepted and then never finds a machine.
 *
 * Docs "AWS::Batch::JobDefinition ResourceRequirement"; aws/aws-cdk: aws-batch/lib/batch.generated.ts @ 2.276.0
 */
import type { Size } from 'aws-cdk-lib'

/** vCPU → MiB of memory: first, last, step. */
const sizes: readonly (readonly [vcpus: number, first: number, last: number, step: number])[] = [
  [0.25, 512, 2_048, 512],
  [0.5, 1_024, 4_096, 1_024],
  [1, 2_048, 8_192, 1_024],
  [2, 4_096, 16_384, 1_024],
  [4, 8_192, 30_720, 1_024],
  [8, 16_384, 61_440, 4_096],
  [16, 32_768, 122_880, 8_192],
]

/** MiB of memory that go with so many vCPU; none: there is no such size. */
export function fargateMemory(vcpus: number): number[] {
  const row = sizes.find(([cpu]) => cpu === vcpus)
  if (row === undefined) return []
  const [, first, last, step] = row
  const all = Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step)
  return vcpus === 0.25 ? all.filter(mib => mib !== 1_536) : all
}

/** Null: Fargate has that size. */
export function fargateSizeProblem(vcpus: number, memory: Size): string | null {
  const possible = fargateMemory(vcpus)
  if (possible.length === 0) {
    return `compute.vcpus of ${vcpus}: Fargate has ${sizes.map(([cpu]) => cpu).join(', ')}`
  }
  const mib = memory.toMebibytes()
  if (possible.includes(mib)) return null
  const next = possible.find(one => one > mib) ?? possible.at(-1)
  return `compute.memory of ${mib} MiB: with ${vcpus} vCPU Fargate has ${possible[0]} to ${possible.at(-1)} MiB, not this; the nearest is ${next}`
}
