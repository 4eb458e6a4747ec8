import { defineConfig } from 'vitest/config'

/** `unit` needs nothing but Node; `integration` starts real servers (Elasticsearch, S3, moto, Chromium). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/suites/**'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          // The suites start no server that counts, but take minutes: once is enough.
          include: ['test/integration/**/*.test.ts', 'test/suites/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: 1,
          fileParallelism: false,
        },
      },
    ],
  },
})
