import { writeFileSync } from 'node:fs';

/**
 * Prints every skipped test with its reason; with BOX_FORBID_SKIPS=1 each is a failure. Leaves the counts as JSON
 * in the file that BOX_TEST_SUMMARY names.
 */
export default class SkipReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    const forbidden = process.env.BOX_FORBID_SKIPS === '1';
    const counts = { passed: 0, failed: unhandledErrors.length };
    const skips = [];
    for (const testModule of testModules) {
      let failedTests = 0;
      for (const test of testModule.children.allTests()) {
        const { state, note } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped')
          skips.push(`${testModule.relativeModuleId}: ${test.fullName}: ${note ?? 'no reason given'}`);
        else failedTests++;
      }
      // A file or a suite that fails outside its tests (an import, a hook) must not pass unseen.
      const brokenOutside = !testModule.ok() && failedTests === 0;
      counts.failed += failedTests + (brokenOutside ? 1 : 0);
    }
    for (const skip of skips) process.stdout.write(`${forbidden ? 'FAILED (skipped)' : 'skipped'} ${skip}\n`);
    if (forbidden && skips.length > 0) {
      counts.failed += skips.length;
      process.exitCode = 1;
    }
    if (process.env.BOX_TEST_SUMMARY) writeFileSync(process.env.BOX_TEST_SUMMARY, JSON.stringify(counts));
  }
}
