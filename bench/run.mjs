/**
 * npm run bench -- pull|pull-tls|unpack|run|shared|transfer|making|looking|linear|extract [--rounds N] [--image NAME]... [--on disk|tmpfs]...
 *
 * As root in a mount namespace of its own, so that its file systems go with it, however it ends.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = [process.execPath, fileURLToPath(new URL('./src/main.ts', import.meta.url)), ...process.argv.slice(2)];
const isolated = process.getuid?.() === 0 ? ['unshare', '--mount', '--propagation', 'private', ...main] : main;
const { status, error } = spawnSync(isolated[0], isolated.slice(1), { stdio: 'inherit' });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
