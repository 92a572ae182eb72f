/**
 * node tools/test.mjs [vitest's arguments]
 *
 * Builds, lints, checks format and types, and runs every test; with arguments, builds and runs the tests they
 * name. The last line is `N passed, N failed`, in which each of the checks counts as one.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const filters = process.argv.slice(2);
const tally = { passed: 0, failed: 0 };
// A hang has to end before the patience of whoever waits for the tests.
const limit = 18 * 60_000;

const checks = [
  ['build', 'nx', ['run-many', '-t', 'build']],
  ['lint', 'oxlint', []],
  ['format', 'oxfmt', ['--check']],
  ['types', 'tsc', ['-p', 'tsconfig.test.json']],
];

const built = check(...checks[0]);
if (built) {
  if (filters.length === 0) for (const item of checks.slice(1)) check(...item);
  runTests();
}
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function check(name, file, args) {
  const started = Date.now();
  const result = spawnSync(file, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: limit,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const passed = result.status === 0;
  tally[passed ? 'passed' : 'failed']++;
  process.stdout.write(`${passed ? 'ok' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  if (!passed) process.stdout.write(`${result.error ?? ''}${result.stdout}${result.stderr}\n`);
  return passed;
}

function runTests() {
  const directory = mkdtempSync(join(tmpdir(), 'boxkit-summary-'));
  const summary = join(directory, 'summary.json');
  const reporters = ['--reporter=default', `--reporter=${join(root, 'tools/vitest-reporter.mjs')}`];
  const result = spawnSync('vitest', ['run', ...reporters, ...filters], {
    cwd: root,
    env: { ...process.env, BOX_TEST_SUMMARY: summary },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: limit,
    killSignal: 'SIGTERM',
  });
  const counts = readSummary(summary);
  rmSync(directory, { recursive: true, force: true });
  tally.passed += counts.passed;
  tally.failed += counts.failed;
  if (result.status !== 0 && counts.failed === 0) {
    process.stdout.write(
      `vitest itself failed: ${result.error?.message ?? `status ${result.status}, ${result.signal}`}\n`,
    );
    tally.failed++;
  }
}

function readSummary(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return { passed: 0, failed: 0 };
    throw error;
  }
}
