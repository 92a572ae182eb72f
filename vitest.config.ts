import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

const alone = 'packages/*/src/**/*.alone.test.ts';
/** What is waited for comes soon, but for a machine that has much else to do. */
const poll = { timeout: 30_000 };

export default defineConfig({
  test: {
    pool: 'forks',
    // Many tests wait for processes: two files at a time keep two processors busy.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'plugins/*/src/**/*.test.ts',
            'examples/*/src/**/*.test.ts',
            'tools/**/*.test.ts',
            'bench/src/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, alone],
          setupFiles: ['tools/property-seed.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll },
        },
      },
      {
        // One file after another, apart from the others: these count processes, mounts and cgroups of the machine.
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts', alone],
          globalSetup: ['e2e/src/support/global-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: { poll },
          fileParallelism: false,
        },
      },
    ],
  },
});
