import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Isolator } from '@boxkit/contracts';
import { asOrdinaryUser } from './isolator-suite/as-ordinary-user.ts';
import { fileTests } from './isolator-suite/files.ts';
import { makeHarness, type Harness, type IsolatorStages } from './isolator-suite/harness.ts';
import { lifeTests } from './isolator-suite/life.ts';
import { processTests } from './isolator-suite/process.ts';
import { securityTests } from './isolator-suite/security.ts';
import type { SuiteContext } from './isolator-suite/suite-context.ts';
import { terminalTests } from './isolator-suite/terminal.ts';
import { systemSnapshot } from './leaks.ts';

export interface IsolatorSuite extends IsolatorStages {
  readonly isolator: Isolator;
  /** The test file's import.meta.url, when root is to run it a second time as an ordinary user. */
  readonly file?: string;
}

/**
 * What every isolation backend must keep, for whoever runs the tests (root, or not). Where the backend's table says that
 * it cannot enforce something, the weakness itself is asserted, so that the table stays true. Registers tests with vitest.
 */
export function isolatorSuite({ isolator, file, ...stages }: IsolatorSuite): void {
  if (file !== undefined) asOrdinaryUser(file);
  const privilege = process.geteuid?.() === 0 ? 'root' : 'user';
  const table = isolator.capabilities(privilege);
  describe(`the isolation backend ${isolator.name}, as ${privilege}`, () => {
    let harness: Harness | undefined;
    beforeAll(async () => {
      harness = await makeHarness(isolator, stages);
    });
    afterAll(async () => {
      const { mounts, processes } = systemSnapshot(harness?.directory);
      await harness?.[Symbol.asyncDispose]();
      expect([...mounts, ...processes]).toEqual([]);
    });
    const context: SuiteContext = {
      get harness() {
        if (harness === undefined) throw new Error('the harness is made before the tests');
        return harness;
      },
      isolator,
      privilege,
      can: (feature) => table[feature] === true,
    };

    test('the table answers for every feature, with a reason where it is no', () => {
      for (const answer of Object.values(table)) expect(answer === true || answer.length > 0).toBe(true);
    });
    test('the probe says whether it works here', async () => {
      const probe = await isolator.probe();
      expect(probe.available || probe.reason.length > 0).toBe(true);
    });
    processTests(context);
    fileTests(context);
    lifeTests(context);
    securityTests(context);
    terminalTests(context);
  });
}
