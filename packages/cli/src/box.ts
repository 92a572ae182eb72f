// The entry point. It asks so little of Node that an old one still gets as far as the message below.
import fs from 'node:fs';
import nodeModule from 'node:module';
import { join } from 'node:path';
import { cacheDirectory, loadCompiled } from './compiled-code.ts';
import type * as Main from './main.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `box: error: cannot start: Node ${process.versions.node} (${process.execPath}) is too old\n` +
      '  hint: Install Node 22.15 or newer, or `npm install node@24` beside box.\n',
  );
  process.exit(125);
}

const file = join(__dirname, 'main.cjs');
const directory = cacheDirectory(process.env);
const load = nodeModule.createRequire(file);
let cached = false;
const { main } = loadCompiled(
  { file, source: fs.readFileSync(file, 'latin1'), digest: mainDigest, command: process.argv[2] ?? '', directory },
  (name) => {
    // What a command loads besides is seldom wanted twice in one process: Node's own cache does for it.
    if (!cached && directory !== undefined && !name.startsWith('node:')) nodeModule.enableCompileCache(directory);
    cached ||= !name.startsWith('node:');
    return load(name);
  },
) as typeof Main;
void main(process.argv.slice(2));

/** The beginning of main.cjs's sha256; the bundler puts it in. */
declare const mainDigest: string;
