/**
 * node tools/fresh-clone.mjs [demo|test]...
 *
 * Clones what is committed into a temporary directory and runs the README's commands there, each as a stranger
 * would: the system's own Node, no stdin, nothing of this workspace on PATH. Removes the clone.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const commands = process.argv.length > 2 ? process.argv.slice(2) : ['demo'];
const directory = mkdtempSync(join(tmpdir(), 'boxkit-clone-'));
const clone = join(directory, 'box');
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|NX_)/.test(name)));
const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
environment.PATH = folders.join(delimiter);

try {
  run('git', ['clone', '--quiet', '--no-local', root, clone], directory);
  for (const command of commands) {
    const started = Date.now();
    const status = run('npm', ['run', '--silent', command], clone);
    process.stdout.write(`npm run ${command}: status ${status}, ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
    if (status !== 0) process.exitCode = 1;
  }
  const { stdout } = spawnSync('git', ['status', '--short'], { cwd: clone, encoding: 'utf8' });
  if (stdout !== '') {
    process.stdout.write(`the clone was changed:\n${stdout}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function run(file, args, cwd) {
  const result = spawnSync(file, args, { cwd, env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error !== undefined) throw result.error;
  return result.status ?? 1;
}
